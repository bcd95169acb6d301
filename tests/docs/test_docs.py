"""The documentation's code is run as it is written."""

from __future__ import annotations

import os
import re
import sys

import cv2
import numpy as np
import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import is_chunked
from clipbench.bench import quality
from clipbench.bench.measuring import metrics
from tests.support.chunks import every, fed
from tests.support.clip_views import ArrayClip
from tests.support.command_line import PROJECT

PAGE = (PROJECT / "docs" / "adding-an-analyzer.md").read_text(encoding="utf-8")
#: The files that docs/adding-an-analyzer.md shows, by the name of their analyzer.
DOCUMENTED = dict(re.findall(r"`analyzers/(\w+)\.py`:\n\n```python\n(.*?)```", PAGE, re.S))


@pytest.fixture
def documented(tmp_path, monkeypatch):
    """The analyzers as they are with the files of docs/adding-an-analyzer.md beside them."""
    for name, code in DOCUMENTED.items():
        (tmp_path / f"{name}.py").write_text(code)
    files = [str(tmp_path / f"{name}.py") for name in DOCUMENTED]
    monkeypatch.setenv("CLIPBENCH_PLUGINS", os.pathsep.join(files))
    monkeypatch.syspath_prepend(tmp_path)
    yield registry.discover()
    for name in DOCUMENTED:
        sys.modules.pop(name, None)


def test_the_documented_analyzer_is_found_and_works(documented):
    code = cv2.QRCodeEncoder.create().encode("clipbench")
    code = cv2.resize(code, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)
    frames = np.full((90, 360, 480, 3), 255, np.uint8)
    frames[30:60, 50 : 50 + code.shape[0], 50 : 50 + code.shape[1]] = code[..., None]
    analyzer = documented["qr_codes"]()
    analyzer.load()
    found = analyzer.analyze(ArrayClip(frames, fps=30), {})
    assert [(s.label, s.start_s, s.end_s) for s in found] == [("clipbench", 1.0, 2.0)]
    assert analyzer.analyze(ArrayClip(frames[:1], fps=30), {}) == []
    analyzer.unload()


def test_the_documented_chunked_analyzer_finds_the_same_in_chunks(documented):
    assert is_chunked(documented["standstill"]())
    frames = np.zeros((90, 36, 64, 3), np.uint8)
    frames[30:60] = np.arange(30)[:, None, None, None] * 8  # it moves in the second second
    frames[60:] = 255
    clip, analyzer = ArrayClip(frames, fps=30), documented["standstill"]()
    whole = analyzer.analyze(clip, {})
    assert [(s.label, round(s.start_s, 3), round(s.end_s, 3)) for s in whole] == [
        ("standstill", 0.0, 1.0),
        ("standstill", 2.0, 2.8),
    ]
    assert fed(analyzer, clip, {}, *every(clip, 0.5)) == whole
    assert fed(analyzer, clip, {}, 1.05, 1.1) == whole
    one = ArrayClip(frames[:1], fps=30)
    assert analyzer.analyze(one, {}) == fed(analyzer, one, {}, 0.02) == []


def test_every_number_is_defined():
    page = (PROJECT / "docs" / "numbers.md").read_text()
    names = [metric.name for metric in metrics.discover()] + [
        name.partition(".")[2] for name in quality.metric_names()
    ]
    same = {name: f"*.{name.partition('.')[2]}" for name in names}  # a figure that every analyzer has
    missing = [name for name in names if f"`{name}`" not in page and f"`{same[name]}`" not in page]
    assert not missing


def test_every_analyzer_is_in_the_list_of_segments():
    page = (PROJECT / "docs" / "segments.md").read_text()
    assert [name for name in registry.discover() if f"| {name} |" not in page] == []


def test_every_key_of_the_truth_is_described():
    import json

    page = (PROJECT / "docs" / "reference-clip.md").read_text()
    truth = json.loads((PROJECT / "clips" / "reference.json").read_text())
    assert [key for key in truth if f"`{key}`" not in page] == []


PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page):
    linked = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [name for name in linked if not (page.parent / name).exists()] == []
