"""What an analyzer returns becomes plain, or is refused with its segment and field."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import asdict, dataclass
from decimal import Decimal

import numpy as np
import pytest

from clipbench.analyzers.base import Segment
from clipbench.executors.returned_segments import TOLERANCE_S, checked


class Colour(enum.StrEnum):
    RED = "red"


class Count(enum.IntEnum):
    ONE = 1


@dataclass(frozen=True)
class Detailed(Segment):
    detail: object = None


def test_numbers_and_arrays_of_numpy_become_those_of_json():
    found = Segment(
        np.int64(0),
        np.float32(0.5),
        np.str_("x"),
        np.float64(1),
        {"n": np.int64(3), "a": np.arange(2), "yes": np.bool_(True), "half": np.float16(0.5)},
    )
    (plain,) = checked([found], 1.0)
    assert json.dumps(asdict(plain)) == (
        '{"start_s": 0.0, "end_s": 0.5, "label": "x", "confidence": 1.0, '
        '"data": {"n": 3, "a": [0, 1], "yes": true, "half": 0.5}}'
    )


def test_what_derives_from_plain_types_becomes_them():
    found = Detailed(0, 1, Colour.RED, Count.ONE, {Colour.RED: [Colour.RED, Count.ONE, (1, 2)]}, object())
    (plain,) = checked([found], 1.0)
    assert plain == Segment(0.0, 1.0, "red", 1.0, {"red": ["red", 1, [1, 2]]})
    kinds = [type(plain), type(plain.label), type(plain.confidence), *map(type, plain.data["red"])]
    assert kinds == [Segment, str, float, str, int, list]
    assert [type(key) for key in plain.data] == [str]


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (Segment(None, 1, "x"), "start_s is None, which is not a number"),
        (Segment("0", 1, "x"), "start_s is '0', which is not a number"),
        (Segment(True, 1, "x"), "start_s is True, which is not a number"),
        (Segment(0, 10**400, "x"), "end_s is an integer of 1329 bits"),
        (Segment(0, Decimal(1), "x"), "end_s is of type Decimal"),
        (Segment(0, math.nan, "x"), "end_s is nan"),
        (Segment(0, np.float32("inf"), "x"), "end_s is inf"),
        (Segment(np.array([0.0]), 1, "x"), "start_s is [0.0], which is not a number"),
        (Segment(0, 1, 5), "label is of type int, not text"),
        (Segment(0, 1, b"x"), "label is of type bytes, not text"),
        (Segment(0, 1, "x", "high"), "confidence is 'high', which is not a number"),
        (Segment(0, 1, "x", math.nan), "confidence is nan"),
        (Segment(0, 1, "x", -0.01), "confidence is -0.01, outside of 0 to 1"),
        (Segment(0, 1, "x", data=[1]), "data is of type list, not a dictionary"),
        (Segment(0, 1, "x", data={"score": math.nan}), "data.score is nan"),
        (Segment(0, 1, "x", data={"boxes": [[0, np.float32("inf")]]}), "data.boxes[0][1] is inf"),
        (Segment(0, 1, "x", data={"a": np.array([1.0, math.nan])}), "data.a[1] is nan"),
        (Segment(0, 1, "x", data={"when": object()}), "data.when is of type object, which JSON"),
        (Segment(0, 1, "x", data={"z": np.complex64(1)}), "data.z is of type complex, which JSON"),
        (Segment(0, 1, "x", data={"t": np.datetime64("2020-01-01")}), "data.t is of type date, which JSON"),
        (Segment(0, 1, "x", data={"words": iter([])}), "data.words is of type list_iterator, which JSON"),
        (Segment(0, 1, "x", data={"words": ["\ud800"]}), "data.words[0] has half of a character, U+D800"),
        (Segment(0, 1, "x", data={"\udfff": 1}), "has half of a character, U+DFFF"),
        (Segment(0, 1, "x", data={("a", 1): 1}), "data has the key ('a', 1): keys of JSON are text"),
        (Segment(0, 1, "x", data={"n": -(2**64)}), "data.n is an integer of 65 bits"),
    ],
)
def test_what_cannot_be_written_is_named(segment, reason):
    with pytest.raises((TypeError, ValueError)) as refused:
        checked([Segment(0, 1, "fine"), segment], 1.0)
    assert str(refused.value).startswith("segment 1: ") and reason in str(refused.value)


def test_what_holds_itself_is_named_and_deep_data_is_kept():
    circle: list = []
    circle.append({"again": circle})
    with pytest.raises(ValueError, match=r"segment 0: data\.c\[0\]\.again.* holds itself"):
        checked([Segment(0, 1, "x", data={"c": circle})], 1.0)
    deep: object = 1
    for _ in range(40):
        deep = [deep]
    assert checked([Segment(0, 1, "x", data={"deep": deep})], 1.0)[0].data == {"deep": deep}


@pytest.mark.parametrize(
    ("start_s", "end_s"),
    [(-TOLERANCE_S, 1), (0, 1 + TOLERANCE_S), (1, 1), (0, 0), (1 + TOLERANCE_S / 2,) * 2],
)
def test_times_may_leave_the_clip_by_what_windows_and_rounding_do(start_s, end_s):
    (found,) = checked([Segment(start_s, end_s, "x")], 1.0)
    assert (found.start_s, found.end_s) == (start_s, end_s)


@pytest.mark.parametrize(
    ("start_s", "end_s", "reason"),
    [
        (-0.11, 1, "start_s is -0.11, before the beginning of the clip"),
        (0, 1.11, "end_s is 1.11, but the clip ends at 1 s"),
        (0.5, 0.4, "start_s is 0.5, after its end_s 0.4"),
    ],
)
def test_times_that_cannot_be(start_s, end_s, reason):
    with pytest.raises(ValueError, match=f"segment 0: {reason}"):
        checked([Segment(start_s, end_s, "x")], 1.0)


def test_a_confidence_may_leave_its_range_by_rounding_alone():
    sure, unsure = checked([Segment(0, 1, "x", 1 + 1e-7), Segment(0, 1, "x", -1e-9)], 1.0)
    assert (sure.confidence, unsure.confidence) == (1.0, 0.0)
