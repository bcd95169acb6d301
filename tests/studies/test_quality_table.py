"""studies.quality_table: docs/quality.md and README.md are as it writes them, whatever the values are."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from clipbench.bench import quality
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.errors import Exit
from clipbench.bench.quality.reliability import Judged
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import MetricValue, TargetResult
from studies import quality_table, reliability
from studies.pages import write_between
from studies.quality_table import BEGIN, CLIPS, END, PAGE, PROJECT, README, Scores
from tests.support.minimal_result import a_result

HEAD = "| figure | better | reference | second | negative | limit |"
MADE = re.compile(
    r"Made by `make quality` on \d{4}-\d\d-\d\d with clipbench [\w.+]+"
    r"(, commit `[0-9a-f]{12}`( with changes)?)?, on .+, \d+ cores\."
)
NUMBER = r"-?[\d.]+(?:e-?\d+)?(?: \S+){0,2}"
ROW = re.compile(rf"\| `[a-z0-9_.]+` \| (higher|lower) (\| (–|{NUMBER}|\*\*{NUMBER}\*\* ✗) ){{3}}\| [^|]+ \|")
TRUST_ROW = re.compile(r"\| `\w+` \| \d+ \| [01]\.\d\d \| [01]\.\d\d (\| (–|\d+ of \d+) ){5}\|")


def written(path: Path) -> list[str]:
    """The lines that the command has written into a page."""
    return path.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip().splitlines()


@pytest.mark.parametrize("path", [PAGE, README], ids=lambda path: path.name)
def test_the_page_is_as_the_command_writes_it(path):
    lines = written(path)
    assert MADE.fullmatch(lines[0]), lines[0]
    assert lines[2] == HEAD
    rows = lines[4:] if "" not in lines[4:] else lines[4 : 4 + lines[4:].index("")]
    assert [row for row in rows if not ROW.fullmatch(row)] == []


def test_the_page_has_every_figure():
    named = re.findall(r"^\| `(\w+\.\w+)`", "\n".join(written(PAGE)), re.MULTILINE)
    assert [f"quality.{name}" for name in named] == quality.metric_names()


def test_every_row_on_confidence_is_as_the_command_writes_it():
    lines = written(PAGE)
    heads = [i for i, line in enumerate(lines) if line.startswith("| analyzer | findings |")]
    for row in (line for i in heads for line in lines[i + 2 :]):
        assert TRUST_ROW.fullmatch(row), row


@pytest.fixture
def runs(tmp_path) -> dict[str, Scores]:
    def run(name: str, value: float | None, limit: float, status: str) -> Scores:
        metrics = [MetricValue(m, None, "", "higher", reason="none") for m in quality.metric_names()]
        metrics += [MetricValue("success_rate", 100.0, "%", "higher")]
        metric = "quality.cut_analysis.f1"
        metrics = [replace(m, value=value) if m.name == metric else m for m in metrics]
        held = [TargetResult(metric, ">=", limit, value, "", status, "")]
        held += [TargetResult("rtf_warm", "<", 3.0, 4.0, "", "fail", "")]
        return Scores(replace(a_result(), metrics=metrics, targets=held), tmp_path / name)

    return {
        "reference": run("reference", 0.95, 0.9, "pass"),
        "second": run("second", 0.5, 0.8, "fail"),
        "negative": run("negative", None, 0.9, "not_measured"),
    }


def test_bad_figures_are_shown_and_marked_with_the_limits_of_each_clip(runs):
    table = quality_table.figures_table(runs)
    row = next(line for line in table.splitlines() if "`cut_analysis.f1`" in line)
    limits = "≥ 0.9 (reference, negative); ≥ 0.8 (second)"
    assert row == f"| `cut_analysis.f1` | higher | 0.95 | **0.5** ✗ | – | {limits} |"
    assert ROW.fullmatch(row)
    assert len(quality_table.figures_table(runs, short=True).splitlines()) == 3


def test_the_short_table_has_what_is_missed_on_the_form_and_counts_what_holds(runs):
    def held(status: str) -> TargetResult:
        return TargetResult("quality.cut_analysis.duplicates", "<=", 0.0, 0.0, "", status, "")

    second = runs["second"]
    holds = {**runs, "second": replace_targets(second, held("pass"))}
    assert "duplicates`" not in quality_table.figures_table(holds, short=True)
    assert "\n\n1 limits on the form" in quality_table.figures_table(holds, short=True)
    misses = {**runs, "second": replace_targets(second, held("fail"))}
    assert "`cut_analysis.duplicates`" in quality_table.figures_table(misses, short=True)


def replace_targets(scores: Scores, target: TargetResult) -> Scores:
    return replace(scores, result=replace(scores.result, targets=[target]))


def test_a_clip_that_is_not_there_has_dashes(runs):
    del runs["second"]
    row = next(line for line in quality_table.figures_table(runs).splitlines() if "`cut_analysis.f1`" in line)
    assert row == "| `cut_analysis.f1` | higher | 0.95 | – | – | ≥ 0.9 |"


def test_limits_on_speed_do_not_fail_one_pass_and_those_on_what_is_found_do(runs):
    assert {clip: run.missed() for clip, run in runs.items()} == {
        "reference": [],
        "second": ["quality.cut_analysis.f1"],
        "negative": [],
    }


def test_what_stands_around_the_marks_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        write_between(page, BEGIN, END, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no lines"):
        write_between(page, BEGIN, END, "new")


def test_confidence_by_bins(tmp_path):
    found = {"a": [Judged(0.1, False), Judged(0.8, True), Judged(0.9, False), Judged(1.0, True)]}
    row = reliability.table_of(found).splitlines()[-1]
    assert row == "| `a` | 4 | 0.70 | 0.50 | 0 of 1 | – | – | – | 2 of 3 |"
    assert TRUST_ROW.fullmatch(row)
    reliability.draw(found, tmp_path / "images" / "picture.png")
    assert (tmp_path / "images" / "picture.png").stat().st_size < 100_000


def test_a_clip_that_a_run_has_scored_is_not_scored_again(tmp_path, monkeypatch, capsys):
    run = a_result()
    run.run.clip.sha256 = sha256(PROJECT / "clips" / "reference.mp4")
    # A run has a target on each analyzer for a limit on all of them.
    limits = [name.replace("*", "cut_analysis") for name in production_limits()]
    run.targets = [TargetResult(name, ">=", 0.9, 0.95, "", "pass") for name in limits]
    run.targets[0].status = "fail"
    run.metrics = [MetricValue(name, 0.95, "", "higher") for name in quality.metric_names()]
    storage.write_result(run, {}, tmp_path)
    once: list[str] = []
    monkeypatch.setattr(quality_table, "is_there", "reference".__eq__)
    monkeypatch.setattr(quality_table, "scored", lambda clip, folder: once.append(clip))
    monkeypatch.setattr("sys.argv", ["quality_table", "--check", "--scored", f"reference={tmp_path}"])
    assert quality_table.main() == Exit.TARGET_MISSED
    assert once == [] and f"reference misses {limits[0]}\n" in capsys.readouterr().err


def test_a_run_that_is_no_score_of_the_clip_is_refused(tmp_path):
    run = a_result()
    storage.write_result(run, {}, tmp_path)
    with pytest.raises(SystemExit, match=r"is a run on a\.mp4, and not on .*reference\.mp4"):
        quality_table.scored_before("reference", tmp_path)
    run.run.clip.sha256 = sha256(PROJECT / "clips" / "reference.mp4")
    storage.write_result(run, {}, tmp_path)
    with pytest.raises(SystemExit, match=r"not held to the targets production.*object_detection"):
        quality_table.scored_before("reference", tmp_path)


def production_limits() -> list[str]:
    held_to = yaml.safe_load((PROJECT / "conf" / "targets" / "production.yaml").read_text())["limits"]
    return [f"quality.{name}.{figure}" for name, of in held_to["quality"].items() for figure in of]


def test_every_clip_has_its_targets():
    for targets in CLIPS.values():
        assert (PROJECT / "conf" / "targets" / f"{targets}.yaml").exists()
