"""Runs over time: folders are the truth, a step is called by the rule of comparisons, little is removed."""

from __future__ import annotations

import datetime
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clipbench.bench.comparing import history, run_index
from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.bench.runs.baseline_outcome import Saved
from tests.support.minimal_result import a_result

BEGAN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def put(folder: Path, number: int, samples=(1.4, 1.6), **changes) -> Path:
    """A run of day `number`, with these samples of rtf_warm; `changes` are of its summary."""
    result = a_result()
    result.run = replace(
        result.run, started_at=(BEGAN + datetime.timedelta(days=number)).isoformat(), **changes
    )
    metric = result.metrics[0]
    metric.samples, metric.value = list(samples), sorted(samples)[len(samples) // 2]
    result.environment.git_commit = f"{number:040x}"
    storage.write_result(result, {}, folder / str(number))
    return folder / str(number)


def noisy(dice: random.Random, level: float) -> list[float]:
    return [level * dice.gauss(1, 0.02) for _ in range(5)]


def test_the_index_follows_the_folders(tmp_path):
    for number in range(3):
        put(tmp_path, number)
    assert [entry.path for entry in run_index.runs(tmp_path)] == ["0", "1", "2"]
    shutil.rmtree(tmp_path / "1")
    put(tmp_path, 2, grouping="another")
    put(tmp_path / "deeper" / "still", 7)
    read = []
    found = run_index.runs(tmp_path, lambda paths: read.extend(paths) or paths)
    assert [entry.path for entry in found] == ["0", "2", "deeper/still/7"]
    assert sorted(path.name for path in read) == ["2", "7"]
    assert found[1].grouping == "another"
    (tmp_path / run_index.INDEX).write_text("no index")
    assert run_index.runs(tmp_path) == found
    (tmp_path / run_index.INDEX).unlink()
    assert run_index.runs(tmp_path) == found
    (only,) = (entry for entry in run_index.runs(tmp_path, metrics=["analyze_s.a"]) if entry.path == "0")
    assert list(only.figures) == ["analyze_s.a"] and only.figures["analyze_s.a"].samples == [0.2]


def test_what_is_no_result_is_left_out_and_links_are_not_followed(tmp_path, caplog):
    put(tmp_path, 0)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "result.json").write_text("{")
    (tmp_path / "latest").symlink_to("0")
    assert [entry.path for entry in run_index.runs(tmp_path)] == ["0"]
    assert "broken" in caplog.text
    with pytest.raises(InputError, match="no folder of runs"):
        run_index.runs(tmp_path / "nothing")


def test_filters(tmp_path):
    for number in range(6):
        put(tmp_path, number, grouping="two_core" if number % 2 else "staged")
    entries = run_index.runs(tmp_path)

    def days(**wanted: str) -> list[str]:
        return [entry.path for entry in history.chosen(entries, **wanted)]

    assert days(grouping="two*") == ["1", "3", "5"]
    assert days(commit="0" * 39 + "4"[:1]) == [] and days(commit=entries[4].commit) == days()
    assert days(since="2026-01-03", until="2026-01-05") == ["2", "3", "4"]
    assert days(key=entries[0].key) == ["0", "2", "4"]
    assert days(grouping=None, executor="e", verdict="fail") == []


def test_a_step_is_found_where_it_is(tmp_path):
    dice = random.Random(3)
    levels = [1.0] * 9 + [1.3] * 8 + [0.9] * 8
    for number, level in enumerate(levels):
        put(tmp_path, number, noisy(dice, level))
    series = run_index.runs(tmp_path)
    found = history.steps(series, "rtf_warm")
    assert [(step.position, step.difference.call) for step in found] == [(9, "slower"), (17, "faster")]
    assert found[0].difference.ratio == pytest.approx(1.3, rel=0.05)


def test_noise_is_no_step():
    """Of series in which nothing happens, few have any: the rule is wrong in 2 of 100 at the most."""
    dice, wrong = random.Random(5), 0
    for _ in range(60):
        series = [made(noisy(dice, dice.gauss(1, 0.05))) for _ in range(30)]
        wrong += bool(history.steps(series, "rtf_warm"))
    assert wrong <= 3


def made(samples: list[float]) -> run_index.Entry:
    figure = run_index.Figure(sorted(samples)[2], "", "lower", samples)
    words = dict.fromkeys(
        ("path", "key", "started_at", "grouping", "executor", "models", "scenario", "clip", "commit"), "x"
    )
    return run_index.Entry(
        **words, size=0, changed_ns=0, verdict="pass", simulated=False, in_baseline=False,
        figures={"rtf_warm": figure},
    )  # fmt: skip


def test_too_few_runs_show_no_step():
    few = [made([1.0, 1.0, 1.0, 1.0, 1.0]), made([1.02, 1.02, 1.02, 1.02, 1.02])]
    assert history.steps(few, "rtf_warm") == [] == history.steps(few[:1], "rtf_warm")


def test_a_figure_that_is_better_when_it_is_higher():
    series = [made([level + 0.001 * n for n in range(5)]) for level in [1.0] * 8 + [2.0] * 8]
    for entry in series:
        entry.figures["rtf_warm"].better = "higher"
    (step,) = history.steps(series, "rtf_warm")
    assert (step.position, step.difference.call) == (8, "faster")
    assert history.best(series, "rtf_warm")[0].figures["rtf_warm"].value > 1.9


def test_the_best_is_measured_and_valid(tmp_path):
    for number, level in enumerate((1.0, 0.5, 0.8)):
        put(tmp_path, number, [level] * 3)
    entries = run_index.runs(tmp_path)
    entries[1].verdict = "invalid"
    assert [entry.path for entry in history.best(entries, "rtf_warm")] == ["2"]
    with pytest.raises(InputError, match="did you mean rtf_warm"):
        history.check_metric(tmp_path, "rtf_wram")


def test_what_is_pinned_in_a_baseline_in_a_sweep_or_latest_is_not_removed(tmp_path):
    saved = Saved(saved=True, path="baselines/x.json", runs=3, needed=3)
    for number in range(8):
        put(tmp_path, number, baseline=saved if number == 1 else None)
    (tmp_path / "0" / history.PIN).touch()
    (tmp_path / "latest").symlink_to("2")
    put(tmp_path / "sweep" / "job", -5)
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    gone = history.removable(tmp_path, run_index.runs(tmp_path), keep=2)
    assert [entry.path for entry in gone] == ["3", "4", "5"]
    history.remove(tmp_path, gone)
    left = [entry.path for entry in run_index.runs(tmp_path)]
    assert left == ["sweep/job/-5", "0", "1", "2", "6", "7"]


def test_a_folder_that_is_a_run_itself_is_removed_and_nothing_around_it(tmp_path):
    put(tmp_path / "around", 0)
    history.remove(tmp_path / "around" / "0", run_index.runs(tmp_path / "around" / "0"))
    assert list(tmp_path.iterdir()) == [tmp_path / "around"] and not list((tmp_path / "around").iterdir())
