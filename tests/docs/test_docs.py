"""The documentation's code is run as it is written."""

from __future__ import annotations

import re
import sys

import cv2
import numpy as np
import pytest

from clipbench.analyzers import registry
from clipbench.bench import quality
from clipbench.bench.measuring import metrics
from tests.support.clip_views import ArrayClip
from tests.support.command_line import PROJECT


@pytest.fixture
def with_documented_analyzer(tmp_path, monkeypatch):
    """The analyzers as they are with the file of docs/adding-an-analyzer.md beside them."""
    page = (PROJECT / "docs" / "adding-an-analyzer.md").read_text()
    name, code = re.search(r"`analyzers/(\w+)\.py`:\n\n```python\n(.*?)```", page, re.S).groups()
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("CLIPBENCH_PLUGINS", str(tmp_path / f"{name}.py"))
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_the_documented_analyzer_is_found_and_works(with_documented_analyzer):
    cls = registry.discover()[with_documented_analyzer]
    code = cv2.QRCodeEncoder.create().encode("clipbench")
    code = cv2.resize(code, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)
    frames = np.full((90, 360, 480, 3), 255, np.uint8)
    frames[30:60, 50 : 50 + code.shape[0], 50 : 50 + code.shape[1]] = code[..., None]
    analyzer = cls()
    analyzer.load()
    found = analyzer.analyze(ArrayClip(frames, fps=30), {})
    assert [(s.label, s.start_s, s.end_s) for s in found] == [("clipbench", 1.0, 2.0)]
    assert analyzer.analyze(ArrayClip(frames[:1], fps=30), {}) == []
    analyzer.unload()


def test_every_number_is_defined():
    page = (PROJECT / "docs" / "numbers.md").read_text()
    names = [metric.name for metric in metrics.discover()] + [
        name.partition(".")[2] for name in quality.metric_names()
    ]
    missing = [name for name in names if f"`{name}`" not in page]
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
