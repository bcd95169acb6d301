"""A truth file's labels are checked: wrong keys and wrong shapes are named, and the reference passes."""

from __future__ import annotations

import json

import pytest

from clipbench.bench.quality import truth_schema
from tests.e2e.test_command_line import PROJECT

WRONG = {
    "a misspelt key": ({"transcipt": "a"}, "it has no key transcipt; did you mean transcript?"),
    "a misspelt key of a plugin": ({"loude": []}, "it has no key loude; did you mean loud?"),
    "no list": ({"words": "one two"}, "words must be a list"),
    "an entry that lacks something": (
        {"words": [{"word": "a", "start_s": 0, "end_s": 1}, {"word": "b", "start": 1}]},
        "words[1] has no start_s; it has word, start",
    ),
    "an entry that is no mapping": ({"cuts": [1.5]}, "cuts[0] must have the keys time_s"),
    "no number": ({"lufs": "loud"}, "lufs must be a number"),
    "no text": ({"transcript": ["a"]}, "transcript must be text"),
    "times of a key that is not there": (
        {"labelled": {"cuts": [[0, 1]]}},
        "labelled.cuts: the file has no cuts",
    ),
    "times of a misspelt key": (
        {"labelled": {"cutz": [[0, 1]]}},
        "labelled.cutz: no key whose times can be given; did you mean cuts?",
    ),
    "a moment for what begins and ends": (
        {"cuts": [], "labelled": {"cuts": [1.5]}},
        "labelled.cuts must be a list of stretches [start, end], in seconds",
    ),
    "a stretch that ends before it begins": (
        {"faces": [], "labelled": {"faces": [1.5, [2, 1]]}},
        "labelled.faces must be a list of moments and stretches [start, end], in seconds",
    ),
    "times without a key": (
        {"labelled": [[0, 1]]},
        'labelled must be a mapping such as {"objects": [[0, 10]]}',
    ),
    "a mapping that lacks something": ({"music": {"key": "C major"}}, "music has no tempo_bpm; it has key"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case):
    content, line = WRONG[case]
    with pytest.raises(ValueError) as refused:
        truth_schema.check(content, ["loud"])
    assert str(refused.value) == line


def test_the_reference_and_what_is_not_labelled_pass():
    truth_schema.check(json.loads((PROJECT / "clips" / "reference.json").read_text()), [])
    truth_schema.check(dict.fromkeys(truth_schema.OWN) | {"loud": [1]}, ["loud"])


def test_nothing_is_a_label_and_labelled_times_pass():
    nothing = {key: [] for key in truth_schema.LISTS} | {"transcript": "", "lufs": 0, "loud": []}
    times = {"objects": [0.5, [1, 2.5]], "cuts": [[0, 1]], "transcript": [[0, 1]], "loud": [[0, 1]]}
    truth_schema.check(nothing | {"labelled": times}, ["loud"])


def test_every_key_is_described():
    page = (PROJECT / "docs" / "reference-clip.md").read_text()
    assert [key for key in truth_schema.OWN if f"| `{key}` |" not in page] == []
