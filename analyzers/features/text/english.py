"""English articles, plurals and lists, for sentences about what is seen."""

from __future__ import annotations

from collections.abc import Sequence

NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
IRREGULAR = {
    "person": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "knife": "knives",
    "sheep": "sheep",
    "skis": "skis",
    "scissors": "scissors",
    "broccoli": "broccoli",
}
#: Used without "a": they are plural already, or uncountable.
BARE = {"skis", "scissors", "broccoli", "sheep"}
#: Beginnings that are written with a vowel and spoken with a consonant.
CONSONANT_SOUND = ("uni", "use", "euro", "ukulele", "one")


def plural(noun: str) -> str:
    """The plural of a noun, or of the last word of a compound: "wine glass" gives "wine glasses"."""
    *first, last = noun.split(" ")
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = f"{last[:-1]}ies"
    else:
        last += "s"
    return " ".join([*first, last])


def counted(noun: str, count: int = 1) -> str:
    """A noun with its article or number: "an apple", "two people", "several cars"."""
    if count > 1:
        return f"{NUMBERS.get(count, 'several')} {plural(noun)}"
    if noun.split(" ")[-1] in BARE:
        return noun
    vowel = noun[:1].lower() in "aeiou" and not noun.lower().startswith(CONSONANT_SOUND)
    return f"{'an' if vowel else 'a'} {noun}"


def listed(items: Sequence[str]) -> str:
    """Items as one would say them: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def sentence(*clauses: str) -> str:
    """Clauses joined by semicolons, with a capital at the start and one full stop at the end."""
    text = "; ".join(clause for clause in clauses if clause)
    return f"{text[:1].upper()}{text[1:]}."
