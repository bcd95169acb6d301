"""timeline.png: every worker, analyzer and wait is there, in its colour, and no text lies on another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers.registry import discover
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import PassSummary
from clipbench.bench.runs.telemetry import Telemetry
from clipbench.executors.base import Span
from clipbench.reports.drawing import colours, legend
from clipbench.reports.drawing.spans import busy_share, worker_lanes
from clipbench.reports.run import timeline
from tests.support.minimal_result import a_result

NAMES = sorted(colours.COLOURS)


def a_run(workers: int, passes: int = 3, overlap: float = 0.0):
    """A run of the twenty on so many workers: a warm-up with spawning and loading, then measured passes."""
    made = a_result()
    made.spans, made.run.passes, t = [], [], 0.0
    for number in range(passes):
        ends = []
        made.spans.append(Span("decoder", "", "decode", t, t + 0.4, clip=number))
        for w in range(workers):
            at = t + (0.4 if number else 2.0)
            if not number:
                made.spans += [Span(f"w{w}", "", "spawn", 0, 0.5), Span(f"w{w}", "", "import", 0.5, 1.5)]
                made.spans.append(Span(f"w{w}", NAMES[w], "load", 1.5, 2.0))
            for i, name in enumerate(NAMES[w::workers]):
                seconds = 0.002 if i == 3 else 0.05 + 0.1 * (i % 5)
                made.spans.append(Span(f"w{w}", name, "analyze", at, at + seconds, clip=number))
                at += seconds + 0.001
            ends.append(at)
        made.run.passes.append(PassSummary(number == 0, t, max(ends)))
        t = max(ends) - (overlap if number else 0)
    times = np.arange(0.0, t, 0.2)
    made.telemetry = Telemetry(
        times_s=times.tolist(),
        cpu_percent=(100 + 50 * np.sin(times)).tolist(),
        rss_bytes=[None, *[2e9] * (len(times) - 1)],
    )
    return made


@pytest.fixture
def figures(monkeypatch):
    """The figures that were drawn, to look into."""
    from matplotlib.figure import Figure

    kept, save = [], Figure.savefig

    def keep(figure, *arguments, **options):
        kept.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept


def texts(figure):
    """All texts of a figure with their boxes in pixels."""
    shown = list(figure.texts)
    for axes in figure.axes:
        shown += [*axes.texts, axes.xaxis.label]
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            if axis.get_tick_params().get("labelbottom", True):
                ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
                shown += [label for at, label in ticks if low <= at <= high]
    return [(t.get_text(), t.get_window_extent()) for t in shown if t.get_text()]


@pytest.mark.parametrize("workers", [1, 2, 3, 6])
def test_no_text_lies_on_another_or_outside(tmp_path, figures, workers):
    timeline.draw(a_run(workers), tmp_path / "t.png")
    found = texts(figures[0])
    assert len(found) > 30
    for i, (text, box) in enumerate(found):
        assert box.x0 >= 0 and box.x1 <= timeline.WIDTH and box.y0 >= 0, text
        for other, its in found[i + 1 :]:
            apart = box.x1 <= its.x0 or its.x1 <= box.x0 or box.y1 <= its.y0 or its.y1 <= box.y0
            assert apart, f"{text!r} and {other!r}"


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return (imread(path)[..., :3] * 255).round().astype(int)


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_bars_have_their_analyzers_colours_and_waits_are_gaps(tmp_path):
    made = a_run(2, passes=1)
    made.spans = [
        Span("w0", "cut_analysis", "analyze", 0.0, 1.0), Span("w1", "body_pose", "analyze", 3.0, 4.0)
    ]  # fmt: skip
    made.run.passes = [PassSummary(False, 0.0, 4.0)]
    made.telemetry = NotMeasured()
    image = pixels(timeline.draw(made, tmp_path / "t.png"))
    assert image.shape[1] == timeline.WIDTH and image[2, 2].tolist() == [255, 255, 255]
    height = (
        image.shape[0] - timeline.FOOT - legend.legend_height([legend.LegendEntry({}, "")] * 2)
    )  # of all above the rows' axis
    for row, (name, start) in enumerate([("body_pose", 3), ("cut_analysis", 0)]):
        line = image[height - 30 - row * timeline.HEIGHTS[2], timeline.LEFT : -timeline.RIGHT]
        quarters = [part[9:-9] for part in np.array_split(line, 4)]
        filled = [(part == rgb(colours.colour(name))).all(1).mean() > 0.9 for part in quarters]
        assert filled == [i == start for i in range(4)]
        assert (quarters[3 - start] == rgb(colours.IDLE)).all()


def test_a_bar_of_a_moment_is_still_seen(tmp_path):
    made = a_run(1, passes=1)
    made.spans = [Span("w0", "cut_analysis", "analyze", 2.0, 2.0001)]
    made.run.passes = [PassSummary(False, 0.0, 4.0)]
    image = pixels(timeline.draw(made, tmp_path / "t.png"))
    height = 98 + 36 + timeline.GAP + 75
    assert np.abs(image[height] - rgb(colours.COLOURS["cut_analysis"])).sum(1).min() < 120


def test_the_window_is_the_last_measured_pass(tmp_path, figures):
    made = a_run(2)
    last = made.run.passes[-1]
    made.run.passes.append(PassSummary(False, last.end_s, -3.0))  # interrupted
    timeline.draw(made, tmp_path / "t.png")
    assert figures[0].axes[1].get_xlim() == (last.start_s, last.end_s)
    words = [text for text, _ in texts(figures[0])]
    assert any(w.startswith("warm-up") for w in words) and sum(w.startswith("measured") for w in words) == 3
    timeline.draw(made, tmp_path / "t.png", window=(0.0, 1.0))
    assert figures[1].axes[1].get_xlim() == (0.0, 1.0)
    with pytest.raises(ValueError, match="no length"):
        timeline.draw(made, tmp_path / "t.png", window=(1.0, 1.0))


def test_clips_under_way_at_once_are_one_stretch_with_their_numbers(tmp_path, figures):
    made = a_run(2, passes=4, overlap=0.3)
    timeline.draw(made, tmp_path / "t.png")
    first, last = made.run.passes[1], made.run.passes[-1]
    assert figures[0].axes[1].get_xlim() == (first.start_s, last.end_s)
    words = [text for text, _ in texts(figures[0])]
    assert any(w.startswith("measured, 3 clips") for w in words) and "decode ·2" in words


def test_the_legend_tells_seconds_and_failures():
    made = a_run(1)
    made.analyzers["cut_analysis"] = made.analyzers.pop("a")
    made.analyzers["cut_analysis"].status = "timeout"
    made.spans = [
        Span("w", "cut_analysis", "analyze", 1.0, 2.0),
        Span("w", "cut_analysis", "analyze", 2.5, 9.0),
        Span("w", "faces", "load", 0.0, 1.002),
        Span("w", "faces", "load", 4.0, 5.0),
    ]
    entries = [entry.text for entry in legend.legend_entries(made, (1.0, 3.0))]
    assert entries == ["load  2.0 ms", "cut_analysis  1.50 s (timeout)"]


def test_how_busy_a_worker_was_counts_no_moment_twice():
    (row,) = worker_lanes([Span("w", "a", "load", 0, 2), Span("w", "a", "import", 1, 3)])
    assert busy_share(row, (1.0, 5.0)) == 0.5


def test_colours_are_distinct_and_belong_to_the_name():
    assert set(colours.COLOURS) == set(discover()) and len(set(colours.COLOURS.values())) == 20
    assert colours.colour("my_own") == colours.colour("my_own") != colours.colour("my_other")
    assert colours.ink_on("#ffffff") != colours.ink_on("#000000")


def test_a_run_that_did_nothing_is_still_a_picture(tmp_path):
    assert timeline.draw(a_result(), tmp_path / "t.png").stat().st_size > 1000


def test_matplotlib_is_imported_for_drawing_only():
    code = (
        "import sys, clipbench.reports.run.timeline, clipbench.reports.run.trace;"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_chunks_are_numbered_and_their_analyzer_is_in_the_legend_once(tmp_path, figures):
    made = a_run(1, passes=1)
    made.spans = [
        Span("decoder", "", "decode", 0.0, 2.0, chunk=0),
        Span("w0", "cut_analysis", "analyze", 1.0, 2.0, chunk=0),
        Span("w0", "cut_analysis", "analyze", 2.0, 3.0, chunk=1, count=11),
        Span("w0", "cut_analysis", "analyze", 3.0, 3.5),
    ]
    made.run.passes = [PassSummary(False, 0.0, 4.0)]
    timeline.draw(made, tmp_path / "t.png")
    words = [text for text, _ in texts(figures[0])]
    assert {"decode #1", "cut analysis #1", "cut analysis #2 +10", "cut analysis"} <= set(words)
    assert [word for word in words if word.startswith("cut_analysis")] == ["cut_analysis  2.50 s"]
