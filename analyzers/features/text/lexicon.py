"""Words for things that detectors can see, and finding them in texts."""

from __future__ import annotations

import re
from typing import NamedTuple

#: The unambiguous words for each thing, in the singular.
WORDS = {
    "person": "person people man men woman women boy girl child children lady gentleman guy astronaut",
    "cat": "cat kitten kitty tabby",
    "dog": "dog puppy hound",
    "bird": "bird parrot eagle pigeon sparrow owl",
    "horse": "horse pony foal stallion",
    "cow": "cow cattle",
    "sheep": "sheep",
    "elephant": "elephant",
    "zebra": "zebra",
    "giraffe": "giraffe",
    "bicycle": "bicycle bike",
    "car": "car automobile minivan",
    "motorcycle": "motorcycle motorbike moped",
    "airplane": "airplane aeroplane airliner",
    "bus": "bus minibus trolleybus",
    "truck": "truck lorry",
    "boat": "boat sailboat canoe",
    "rocket": "rocket missile",
    "pizza": "pizza",
    "banana": "banana",
    "cup": "cup coffee espresso cappuccino mug",
    "couch": "couch sofa",
    "laptop": "laptop",
    "umbrella": "umbrella",
}
THINGS = {word: thing for thing, words in WORDS.items() for word in words.split()}

#: Things whose absence a detector can be trusted with: large, distinct, and with no other names.
TELLING = frozenset(
    """cat dog bird horse cow sheep elephant zebra giraffe bicycle car motorcycle airplane bus truck
    boat""".split()  # noqa: SIM905
)
#: Things that detectors confuse.
ALIKE = (
    frozenset({"car", "truck", "bus"}),
    frozenset({"bicycle", "motorcycle"}),
    frozenset({"horse", "cow", "sheep"}),
)
#: Names that contain the word for another thing.
COMPOUNDS = re.compile(r"\b(hot dogs?|raining cats and dogs|bird['’]s[- ]eye)\b", re.IGNORECASE)
DENIALS = frozenset(["no", "not", "never", "without", "isn't", "wasn't", "nor"])
COMMON = frozenset(
    """about after again all also and any are because been before being but can could did does down each
    even ever every for from get had has have her here hers him his how into its just like made make many
    may more most much must not now off one only other our out over own said same see she should since
    some such than that the their them then there these they this those too two under until upon very was
    way well were what when where which while who why will with would yet you your""".split()  # noqa: SIM905
)


class Named(NamedTuple):
    """A thing that a text names, the word for it, and whether the text denies it."""

    thing: str
    word: str
    denied: bool


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower().replace("’", "'"))


def singular(word: str) -> str:
    """The singular of a plural if the lexicon has it; otherwise the word itself."""
    if word in THINGS:
        return word
    for ending, instead in (("'s", ""), ("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending) and (stem := word.removesuffix(ending) + instead) in THINGS:
            return stem
    return word


def thing_of(label: str) -> str:
    """The thing that a detector's or classifier's label stands for: "coffee mug" is a cup."""
    for word in reversed(words_of(label)):
        if singular(word) in THINGS:
            return THINGS[singular(word)]
    return label


def named(text: str) -> list[Named]:
    """The things that a text names, each once, in their order."""
    words = words_of(COMPOUNDS.sub(" ", text))
    found: dict[str, Named] = {}
    for index, word in enumerate(words):
        thing = THINGS.get(singular(word))
        if thing is not None:
            denied = not DENIALS.isdisjoint(words[max(0, index - 3) : index])
            found.setdefault(thing, Named(thing, word, denied))
    return list(found.values())


def other_words(text: str) -> list[str]:
    """Words outside the lexicon that may name something: of three letters or more, and not common."""
    words = dict.fromkeys(words_of(text))
    return [w for w in words if len(w) > 2 and w not in COMMON and singular(w) not in THINGS]
