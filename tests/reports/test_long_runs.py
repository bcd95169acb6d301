"""The reports of an hour of video: of a size that a browser and an editor open at once."""

from __future__ import annotations

import json
import re

import pytest

from clipbench.bench.measuring.thinning import MOST_SAMPLES, MOST_SPANS
from clipbench.bench.runs import storage
from clipbench.reports.drawing import over_time, timeline_svg
from clipbench.reports.run import html, markdown, trace
from tests.support.long_results import an_hour


@pytest.mark.parametrize(("workers", "passes"), [(1, 1), (6, 1), (2, 4)])
def test_the_page_of_an_hour_is_below_three_megabytes(workers, passes):
    made = an_hour(workers, passes)
    page = html.render(made)
    assert len(page.encode()) < 3e6
    bars = [
        block.count('<g class="bar') for block in re.findall(r"<svg class=.timeline.*?</div>", page, re.S)
    ]
    assert len(bars) >= 3 and all(0 < number <= timeline_svg.MAX_BARS for number in bars)
    assert bars[0] > 0.4 * MOST_SPANS
    assert all(len(curve.line) < 20_000 for curve in over_time.over_time(made).curves)
    assert len(markdown.render(made).encode()) < markdown.MAX_BYTES


def test_the_result_and_the_trace_of_an_hour_can_be_opened_in_an_editor(tmp_path):
    made = an_hour()
    path = storage.write_result(made, {}, tmp_path)
    assert path.stat().st_size < 3e6
    assert storage.read_result(path).spans == made.spans
    events = json.loads(trace.write(made, tmp_path / "trace.json").read_text())["traceEvents"]
    assert len(events) < MOST_SPANS + 10 * MOST_SAMPLES


def test_a_merged_bar_says_for_which_chunks_it_stands():
    page = html.render(an_hour())
    assert re.search(r"<title>text overlay, chunk \d+ and \d+ more: ", page)
    assert "<title>text overlay, end: " in page
