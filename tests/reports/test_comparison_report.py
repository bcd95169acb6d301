"""comparison.html, .md and .json: everything is shown, what is data stays data, and a browser is content."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from clipbench.bench.comparing import calibration, comparison
from clipbench.bench.runs.results import MetricValue, TargetResult
from clipbench.reports.comparison import console as comparison_console
from clipbench.reports.comparison import files, html, markdown
from clipbench.reports.comparison.json import as_json
from tests.support import browser
from tests.support.stored_results import STEADY, a_result, a_sweep, missing_target, times, without, written

EVIL = "<script>alert(1)</script>|`x`\n\x1b[31m\"'&{{7*7}}"


@pytest.fixture(autouse=True)
def uncalibrated(tmp_path, monkeypatch):
    """No calibration of the machine that the tests run on."""
    monkeypatch.setattr(calibration, "store", tmp_path / "calibration.json")


def of_sweep(tmp_path):
    """A sweep: one job is faster, one slower, one lost an analyzer, one missed a target, one failed."""
    jobs = {
        "grouping=sequential,executor=sequential": [a_result([x]) for x in STEADY],
        "grouping=two_core,executor=gpu_pinned": [
            a_result([x], grouping="two_core", executor="gpu_pinned", run={"workers": 2}) for x in times(0.7)
        ],
        "grouping=staged,executor=threads": [
            a_result([x], grouping="staged", executor="threads") for x in times(1.4)
        ],
        "grouping=lossy,executor=threads": [
            without(a_result([x], grouping="lossy", executor="threads"), "text") for x in times(0.5)
        ],
        "grouping=late,executor=threads": [
            missing_target(a_result([x], grouping="late", executor="threads")) for x in STEADY
        ],
        "grouping=crashing,executor=threads": ["it was ended by SIGSEGV"] * 2,
    }
    return comparison.compare(comparison.load([a_sweep(tmp_path / "sweep", jobs)]))


def of_evil(tmp_path):
    """Sides in which all text that is data tries to be something else."""
    evil = a_result(
        times(1.5),
        grouping=EVIL,
        run={"command": EVIL, "clip": {"path": EVIL}},
        environment={"cpu": EVIL},
        warnings=[EVIL],
        verdict_reason=EVIL,
        targets=[TargetResult("rtf_warm", "<", 1.0, None, EVIL, "not_measured", EVIL)],
    )
    evil = without(evil, "text", reason=EVIL)
    evil.analyzers[EVIL] = evil.analyzers["cuts"]
    evil.metrics[3] = MetricValue("rss_peak", None, EVIL, "lower", [], EVIL)
    evil.metrics[4] = MetricValue("quality.text.recall", 0.1, EVIL, "higher")
    written(evil, tmp_path / "evil")
    sides = comparison.load([written(a_result(), tmp_path / "good"), f"{EVIL}={tmp_path / 'evil'}"])
    sides[0].failures.append(EVIL)
    return comparison.compare(sides, allow_mismatch=True)


def test_everything_is_in_the_page(tmp_path):
    page = re.sub(r"<wbr>", "", html.render(of_sweep(tmp_path)))
    for words in (
        "Use grouping=two_core executor=gpu_pinned",
        "grouping=crashing,executor=threads</b> left no result: round 1: it was ended by SIGSEGV",
        "grouping=lossy,executor=threads</b> lost text: crashed: by SIGSEGV (in 9 of 9 runs)",
        "grouping=late,executor=threads: misses rtf_warm",
        "×0.7 (",
        "Every pair",
        "9 samples of grouping=staged,executor=threads, median 1.4",
        "All 1 quality figures that were measured are the same",
        "not calibrated on this machine",
    ):
        assert words in page, words
    assert page.count('<svg class="timeline"') == 5
    assert "do not match" not in page and "not made in turns" not in page


def test_a_mismatch_is_marked_in_all_reports(tmp_path):
    paths = [written(a_result(), tmp_path / "a"), written(a_result(run={"models": "random"}), tmp_path / "b")]
    made = comparison.compare(comparison.load(paths), allow_mismatch=True)
    assert "✗</span> These candidates do not match" in html.render(made)
    assert markdown.render(made).splitlines()[2] == "> **✗ These candidates do not match.**"
    assert as_json(made)["mismatches"] == made.mismatches != []
    assert "does not match: models" in on_console(made)


def test_the_markdown_says_the_same(tmp_path):
    text = markdown.render(of_sweep(tmp_path))
    assert "Use grouping=two_core executor=gpu_pinned" in text
    assert "| 0.7<br>×0.7 (0.7 … 0.7) **faster** |" in text and "**slower**" in text
    assert "✗ missed: rtf_warm" in text and "left no result" in text and "lost text" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(re.split(r"(?<!\\)\|", row)[0] == "" and row.endswith("|") for row in rows)


def test_the_json_has_the_figures(tmp_path):
    made = of_sweep(tmp_path)
    paths = files.write(made, tmp_path / "out")
    found = json.loads(paths["json"].read_text())
    assert found["recommendation"]["use"] == "grouping=two_core,executor=gpu_pinned"
    warm = next(row for row in found["metrics"] if row["metric"] == "rtf_warm")
    side = warm["sides"]["grouping=staged,executor=threads"]
    assert side["samples"] == times(1.4) and side["difference"]["call"] == "slower"
    assert side["difference"]["paired"] is True
    assert [side["name"] for side in found["failed"]] == ["grouping=crashing,executor=threads"]
    assert len(found["pairs"]) == 5 * 4
    assert paths["html"].stat().st_size < 300_000


def on_console(made, width=160):
    console = Console(file=io.StringIO(), width=width)
    comparison_console.show(made, console)
    return console.file.getvalue()


def test_the_console_says_it_too(tmp_path):
    text = on_console(of_sweep(tmp_path))
    for words in ("faster", "slower", "undecided", "left no result", "lost text", "Use grouping=two_core"):
        assert words in text, words
    assert "moved in grouping=staged,executor=threads: text +2.00 s" in text
    assert max(map(len, on_console(of_sweep(tmp_path / "again"), 80).splitlines())) <= 80


def test_better_and_worse_are_said_of_what_is_no_time(tmp_path):
    rounds = {name: [a_result([x]) for x in STEADY] for name in ("a", "b")}
    for result in rounds["b"]:
        result.metrics[3] = MetricValue("rss_peak", 4.0, "GB", "lower")
    made = comparison.compare(comparison.load([a_sweep(tmp_path, rounds)]))
    assert "×2 (2 … 2) **worse**" in markdown.render(made)


def test_text_that_is_data_stays_text(tmp_path):
    made = of_evil(tmp_path)
    page, text, shown = html.render(made), markdown.render(made), on_console(made)
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page and "{{7*7}}" in page
    assert "<script>" not in re.sub(r"\\<script\\>", "", text) and "<script" not in text.replace(r"\<", "")
    assert "\x1b" not in page + text + shown


def test_without_samples_or_spans_there_is_a_report_yet(tmp_path):
    bare = [a_result([], spans=[], targets=[], metrics=a_result([]).metrics[:1]) for _ in range(2)]
    paths = [written(one, tmp_path / str(n)) for n, one in enumerate(bare)]
    made = comparison.compare(comparison.load(paths), allow_mismatch=True)
    assert made.recommendation.use is None
    page = html.render(made)
    assert "has no rtf_warm (no repeats)" in page and 'timeline"' not in page
    assert "has no rtf_warm" in markdown.render(made) and "rtf_warm" in on_console(made)


def test_in_a_browser(tmp_path):
    pages = {}
    for name, made in (("sweep", of_sweep(tmp_path / "1")), ("evil", of_evil(tmp_path / "2"))):
        pages[name] = files.write(made, tmp_path / name)["html"]
    with browser.session() as chromium:
        for path in pages.values():
            for width, dark in ((1400, False), (400, True)):
                page = chromium.open(path, width=width, dark=dark)
                assert page.problems == [] and page.overflow() == []
        assert page.run("document.querySelectorAll('script').length") == 1
        assert "<script>alert(1)</script>" in page.run("document.body.textContent")


def test_targets_that_all_meet_are_folded_and_missed_ones_stay_open(tmp_path):
    """Three analyzers with the same target on coverage, which all meet but one candidate in one of them."""

    def with_targets(observed):
        made = a_result(targets=[])
        made.metrics += [MetricValue(f"quality.{n}.coverage", x, "", "higher") for n, x in observed.items()]
        made.targets += [TargetResult("rtf_warm", "<", 3.0, 1.0, "", "pass")]
        for name, x in observed.items():
            status = "pass" if x >= 0.9 else "fail"
            made.targets.append(TargetResult(f"quality.{name}.coverage", ">=", 0.9, x, "", status))
        return made

    good = written(with_targets({"a": 1.0, "b": 0.95, "c": 1.0, "d": 1.0}), tmp_path / "good")
    bad = written(with_targets({"a": 1.0, "b": 0.97, "c": 0.93, "d": 0.5}), tmp_path / "bad")
    made = comparison.compare(comparison.load([good, bad]), allow_mismatch=True)
    rows = html.target_rows(made)
    assert [row.target.metric for row in rows if row.missed] == ["quality.d.coverage"]
    alone, together = html.folded([row for row in rows if not row.missed])
    assert alone.target.metric == "rtf_warm" and together.target.metric == "quality.*.coverage"
    assert [t.observed for t in together.by_candidate.values()] == [0.95, 0.93]
    assert together.target.reason == "3 analyzers"
    with browser.session() as chromium:
        shown = chromium.open(files.write(made, tmp_path / "out")["html"], width=400)
        rows = "[...document.querySelectorAll('#targets ~ * tbody tr')]"
        seen = f"{rows}.filter((e) => e.checkVisibility()).length"
        assert shown.run(seen) == 1
        assert "4 targets that are met or not" in shown.run("document.querySelector('.folded').textContent")
        shown.run("document.querySelector('.folded summary').click()")
        assert shown.run(seen) == 3
        assert shown.overflow() == [] and shown.broken_words() == []
        shown.run("document.querySelector('.folded summary').click()")
        shown.show(794, printed=True)
        assert shown.run(seen) == 3


def test_nothing_breaks_within_a_word_and_candidates_sort(tmp_path):
    with browser.session() as chromium:
        shown = chromium.open(files.write(of_sweep(tmp_path), tmp_path / "out")["html"], width=400)
        assert shown.broken_words() == []
        shown.run("document.querySelectorAll('.candidates th button')[1].click()")
        names = shown.run("[...document.querySelectorAll('.candidates tbody th')].map((e) => e.textContent)")
        assert names[0].startswith("grouping=lossy") and names[-1].startswith("grouping=staged")
        shown.run("document.body.style.width = '90px'")
        assert shown.broken_words()  # the test can fail
