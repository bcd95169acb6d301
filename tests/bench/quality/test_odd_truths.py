"""Odd truth files: each is refused in one line that names the place, or every figure can be computed."""

from __future__ import annotations

import copy
import json
import random

import pytest

from clipbench.analyzers import registry
from clipbench.bench.quality import scoring, truth_schema
from clipbench.bench.quality.truth import of_labels
from tests.support.ideal_run import TRUTH, segments

#: What may stand in place of any value.
ODD = (
    *(None, True, -1, 0, 1e-300, 1e6, 10**400, float("nan"), float("inf"), -0.5, 3.7, "", " ", "x", "\ud83d"),
    *([], [[]], [None], [0, 0], [1, 0, 1, 0], [0.2, 0.2, 0.2, 0.2], [0, 0, 1, 1], {}, {"x": 1}, [{}]),
)


def computed(content: dict) -> list[str]:
    """The figures that could not be computed, with the reasons."""
    settings = {name: cls.settings_type() for name, cls in registry.discover().items()}
    found = scoring.score(segments(), settings, of_labels(content), "", 10.0)
    odd = ("its segments or the truth are not as", "computing it raised")
    return [f"{m.name}: {m.reason}" for m in found if m.reason.startswith(odd)]


def places(content: object, path: tuple = ()) -> list[tuple]:
    """The paths to all values of a truth file; of long lists, to some."""
    if isinstance(content, dict):
        return [path, *(p for key, value in content.items() for p in places(value, (*path, key)))]
    if isinstance(content, list):
        return [path, *(p for n, value in enumerate(content[:2]) for p in places(value, (*path, n)))]
    return [path]


def spoilt(dice: random.Random) -> tuple[dict, str]:
    """The reference clip's truth with something odd in one or two places, and what that is."""
    content, said = copy.deepcopy(TRUTH), []
    for _ in range(dice.choice((1, 1, 2))):
        path = dice.choice([p for p in places(content) if p and p[0] not in ("schema", "clip", "provenance")])
        inner = content
        for step in path[:-1]:
            inner = inner[step]
        kind = dice.choice(("odd", "odd", "removed", "twice"))
        if kind == "odd":
            inner[path[-1]] = dice.choice(ODD)
        elif kind == "removed":
            del inner[path[-1]]
        elif isinstance(inner, list):
            inner.append(copy.deepcopy(inner[path[-1]]))
        said.append(f"{kind} {path} {inner[path[-1]] if kind == 'odd' else ''}"[:200])
    return content, "; ".join(said)


@pytest.mark.parametrize("seed", range(12))
def test_odd_truths_are_refused_in_one_line_or_scored(seed):
    dice = random.Random(seed)
    for _ in range(12):
        content, said = spoilt(dice)
        try:
            truth_schema.check(content, [])
        except ValueError as refused:
            line = str(refused)
            assert line and "\n" not in line and len(line) < 400, said
            continue
        assert computed(content) == [], said


def labelled(key: str, /, **values: object) -> dict:
    """The reference clip's truth with other values in the first entry of a key."""
    content = copy.deepcopy(TRUTH)
    entry = content[key] if isinstance(content[key], dict) else content[key][0]
    entry |= values
    return content


#: What is wrong, and the line without the value.
NAMED = {
    "no tempo": (labelled("music", tempo_bpm=0), "music.tempo_bpm is 0; it must be a number above 0"),
    "an empty text": (labelled("texts", text=""), "texts[0].text is ''; it must be text that is not empty"),
    "no length": (
        labelled("shots", start_s=1.0, end_s=1.0),
        "shots[0] has no length (1 … 1 s); end_s must be greater than start_s",
    ),
    "backwards": (
        labelled("speech", start_s=2.0, end_s=1.0),
        "speech[0] has no length (2 … 1 s); end_s must be greater than start_s",
    ),
    "after the end": (
        labelled("texts", start_s=50.0, end_s=51.0),
        "texts[0] is at 51 s, and the clip ends at 10 s; mend its times",
    ),
    "no key of music": (
        labelled("music", key="loud"),
        'music.key is \'loud\'; it must be a key such as "A minor" or "F# major"',
    ),
    "a step of nothing": (labelled("pitch", step_s=0), "pitch.step_s is 0; it must be a number above 0"),
    "not a number": (
        labelled("cuts", time_s=float("nan")),
        "cuts[0].time_s is nan; it must be seconds from the beginning of the clip",
    ),
    "an empty box": (
        labelled("objects", samples=[{"time_s": 0.0, "box": [0.1, 0.1, 0.1, 0.5]}]),
        "objects[0].samples[0].box is [0.1, 0.1, 0.1, 0.5]; it must be a box [x1, y1, x2, y2] with x1 < x2 "
        "and y1 < y2, as fractions of the picture",
    ),
}


@pytest.mark.parametrize("case", NAMED)
def test_the_line_names_the_place_and_what_it_must_be(case):
    content, line = NAMED[case]
    with pytest.raises(ValueError) as refused:
        truth_schema.check(content, [])
    assert str(refused.value) == line


RIGHT = {
    "nobody is shown": labelled("shots", subjects=[]),
    "seen between two looks": labelled("objects", samples=[{"time_s": 0.4137, "box": [0.1, 0.1, 0.4, 0.5]}]),
    "at the end": labelled("objects", samples=[{"time_s": 10.0, "box": [0.1, 0.1, 0.4, 0.5]}]),
    "one mask that shows nobody": TRUTH | {"masks": [{"time_s": 0.013, "polygons": []}]},
    "no key at all": {"schema": 1, "clip": TRUTH["clip"]},
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_odd_and_right_is_scored(case):
    truth_schema.check(RIGHT[case], [])
    assert computed(RIGHT[case]) == []


@pytest.mark.parametrize("key", truth_schema.LISTS)
def test_a_key_with_nothing_is_scored(key):
    content = TRUTH | {key: [], "labelled": None}
    truth_schema.check(content, [])
    assert computed(json.loads(json.dumps(content))) == []
