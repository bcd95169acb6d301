"""File names as text that every report and every JSON reader can take."""

from __future__ import annotations

import json
import os

import pytest

from clipbench.analyzers.base import Segment
from clipbench.bench.file_names import readable
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import LostClip
from clipbench.reports import formatting
from tests.support.minimal_result import a_result

NAMES = {
    b"plain.mp4": "plain.mp4",
    "中文 é.mp4".encode(): "中文 é.mp4",
    b"caf\xe9.mp4": r"caf\xe9.mp4",
    b"\xe4\xb8": r"\xe4\xb8",
}


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_are_no_utf_8_are_escapes(name):
    text = readable(os.fsdecode(name))
    assert text == NAMES[name] == formatting.printable(os.fsdecode(name))
    text.encode("utf-8")


def test_names_read_under_another_locale_are_the_same():
    assert readable("é.mp4".encode().decode("ascii", "surrogateescape")) == "é.mp4"


def test_half_a_pair_that_is_no_byte_is_an_escape():
    assert readable("a\ud800") == r"a\ud800"


def test_all_text_of_a_result_is_utf_8(tmp_path):
    result = a_result()
    name = os.fsdecode(b"/clips/caf\xe9.mp4")
    result.run.clip.path = name
    result.run.command = f"clip.path={name}"
    result.lost_clips = [LostClip(name, f"{name} is no video")]
    result.analyzers["a"].facts = {name: [name]}
    storage.write_result(result, {"a": [Segment(0, 1, name, 1.0, {name: name})]}, tmp_path)
    for path in (tmp_path / "result.json", tmp_path / "segments" / "a.json"):
        text = path.read_bytes().decode("utf-8")
        assert r"caf\\xe9.mp4" in text
        json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")
    assert storage.read_result(tmp_path).lost_clips[0].path == r"/clips/caf\xe9.mp4"


def test_a_name_of_255_bytes_can_be_written(tmp_path):
    storage.write_json(tmp_path / ("x" * 250 + ".json"), {})
    assert len(list(tmp_path.iterdir())) == 1
