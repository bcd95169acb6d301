"""A run over several clips lists them: in report.html, in report.md and on the terminal."""

from __future__ import annotations

import dataclasses
import io

import pytest

from clipbench.bench.runs.results import LostClip, PassSummary
from clipbench.reports import terminal
from clipbench.reports.run import console, html, markdown
from clipbench.reports.run.clip_rows import about, clip_rows
from tests.support import report_results

#: Longer than a report shows, and with an effect in HTML.
ODD = "<b>clips</b>/b.mp4"


@pytest.fixture
def run():
    """A queue of two clips, each measured twice after a warm-up, and one that was lost."""
    made = report_results.offline()
    made.run.clips = [dataclasses.replace(made.run.clip, path=path) for path in ("a.mp4", ODD)]
    made.run.passes = [
        PassSummary(True, 0.0, 9.0, "a.mp4"),
        PassSummary(False, 10.0, 11.0, "a.mp4"),
        PassSummary(False, 11.0, 13.5, ODD, {"text_overlay": "failed"}),
        PassSummary(False, 13.0, 16.0, "a.mp4", {"cut_analysis": "crashed"}),
        PassSummary(False, 16.0, 17.5, ODD, {"text_overlay": "timeout"}),
    ]
    made.lost_clips = [LostClip("gone.mp4", "it has no end")]
    return made


def shown(run, width=100):
    on = terminal.PrintableConsole(width=width, file=io.StringIO())
    console.show(run, on)
    return on.file.getvalue()


def test_each_clip_has_its_times_and_what_went_wrong_on_it(run):
    rows = [(row.path, *row.cells()) for row in clip_rows(run)]
    assert rows == [
        ("gone.mp4", "–", "0", "–", "lost: it has no end"),
        ("a.mp4", "2.00 s", "2", "2.00 s", "cut_analysis"),
        (ODD, "2.00 s", "2", "2.00 s", "text_overlay ×2"),
    ]
    assert about(run, clip_rows(run), 2).endswith("warm-ups do not count. 1 more clips are in result.json.")


def test_clips_that_arrive_wait_in_their_time(run):
    run.run.passes = [PassSummary(False, 3.0, 5.0, "a.mp4", arrived_s=1.0)]
    assert [row.time_s for row in clip_rows(run)] == [None, 4.0, None]
    assert "from arrival to the last outcome" in about(run, [], 0)


def test_every_report_lists_them_and_escapes_their_names(run):
    page, summary, printed = html.render(run), markdown.render(run), shown(run)
    assert ">3 clips</h2>" in page and "&lt;b&gt;clips&lt;/b&gt;" in page and ODD not in page
    assert "## 3 clips" in summary and ODD not in summary
    assert ODD in printed
    for text in (page, summary, printed):
        assert "lost: it has no end" in text and "×2" in text


def test_one_clip_is_not_listed():
    run = report_results.a_run()
    run.run.clips = [run.run.clip]
    assert clip_rows(run) == [] and 'id="clips"' not in html.render(run)


def test_a_long_queue_is_cut_and_the_rest_counted(run):
    run.run.clips = [dataclasses.replace(run.run.clip, path=f"{n}.mp4") for n in range(html.MAX_CLIPS + 7)]
    page = html.render(run)
    assert f"{html.MAX_CLIPS - 2}.mp4".replace(".", ".<wbr>") in page and "8 more clips are in" in page
    assert f"{html.MAX_CLIPS}.mp4".replace(".", ".<wbr>") not in page
    assert shown(run).count(".mp4") < 40


def test_a_profiled_run_says_where_its_profiles_are(tmp_path):
    run = report_results.a_run()
    assert "profiles" not in shown(run)
    run.run.profiles = {"cut_analysis": ["profile/w0-cut_analysis.json", "profile/w0-cut_analysis.txt"]}
    on = terminal.PrintableConsole(width=300, file=io.StringIO())
    console.show(run, on, tmp_path / "result.json")
    said = f"2 profiles are in {tmp_path}/profile: open .json in ui.perfetto.dev, .txt is a table"
    assert said in on.file.getvalue()
    run.run.profiles = {"cut_analysis": ["profile/w0-cut_analysis.html"]}
    assert "1 profile is in profile in the run's folder: open .html in a browser" in shown(run, 300)


def test_at_80_columns_the_names_of_analyzers_stay_whole(run):
    run.run.clips[1].path = "clips/of_a_rather_long_name/second_recording_of_the_day.mp4"
    run.run.passes[2].clip = run.run.passes[4].clip = run.run.clips[1].path
    lines = shown(run, 80).splitlines()
    row = next(line for line in lines if line.startswith("clips/of_a"))
    assert row.endswith("text_overlay ×2") or "text_overlay ×2 " in row
    assert max(map(len, lines)) <= 80
