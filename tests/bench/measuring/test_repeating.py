"""repeats=auto: when passes come to an end, what is said of it, and what takes a fixed number instead."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.comparing import baselines, calibration
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import session
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.measuring.repeating import Repeating, next_look
from clipbench.bench.measuring.runner import Runner, executor_factory
from clipbench.bench.planning import config, scenario
from clipbench.bench.resampling import median_interval, relative_width
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.serving import AutoRepeats, ScenarioSummary
from clipbench.reports import repeats
from clipbench.reports.run import console, html, markdown
from tests.support import report_results
from tests.support.fake_plans import Notes, plan, use_fakes
from tests.support.video_files import numbered_frames, write_clip

CLIP = ClipInfo("a.mp4", "ab" * 32, 10.0, 64, 64, 30.0, has_audio=False)


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


def after(rule: Repeating, seconds: list[float], warmup: int = 1) -> Record:
    """The record of a run of these seconds, whose first pass is cold, for as long as the rule goes on."""
    record = Record(plan("steady"), 0.0, NotMeasured())
    now = 0.0
    for number, took in enumerate([3.0, *seconds]):
        if number >= warmup and not rule.goes_on(record):
            break
        record.passes.append(Pass(CLIP, number < warmup, now, now, now + took))
        now += took
    return record


def noisy(deviation: float, count: int = 400) -> list[float]:
    return (1 + deviation * np.random.default_rng(1).standard_normal(count)).tolist()


def test_passes_that_are_alike_stop_at_as_many_as_a_call_takes():
    rule = Repeating(0.05, 60.0)
    record = after(rule, [1.0] * 50)
    assert rule.told(record) == AutoRepeats(ENOUGH, ENOUGH, "interval", "rtf_warm", 0.0, 0.05, 60.0, ENOUGH)


def test_a_first_pass_that_is_cold_is_none_of_them():
    rule = Repeating(0.05, 60.0)
    told = rule.told(after(rule, [1.0] * 50, warmup=0))
    assert (told.taken, told.samples) == (ENOUGH + 1, ENOUGH)


def test_passes_go_on_until_the_interval_is_narrow_enough():
    rule = Repeating(0.05, 1000.0)
    told = rule.told(after(rule, noisy(0.1)))
    samples = noisy(0.1)[: told.samples]
    assert told.stopped == "interval" and told.samples > 2 * ENOUGH
    assert told.width == pytest.approx(relative_width(samples)) and told.width < 0.05
    finer = Repeating(0.02, 1000.0)
    assert finer.told(after(finer, noisy(0.1))).samples > told.samples


@pytest.mark.parametrize(("budget_s", "taken"), [(12.0, 12), (2.0, ENOUGH), (0.0, ENOUGH)])
def test_the_budget_ends_it_but_not_before_a_call_could_be_made(budget_s, taken):
    rule = Repeating(0.0001, budget_s)
    told = rule.told(after(rule, [1.0, 1.2] * 100))
    assert (told.stopped, told.taken) == ("budget", taken)
    assert told.width is not None and told.width > 0.0001


def test_looks_get_rarer():
    looks = [ENOUGH]
    while looks[-1] < 200:
        looks.append(next_look(looks[-1]))
    assert looks[:6] == [5, 7, 9, 12, 16, 22] and len(looks) < 15


def test_the_interval_is_one_of_medians_that_occurred_and_narrows():
    samples = noisy(0.1)
    low, high = median_interval(samples[:5])
    assert {low, high} <= set(samples[:5]) and low < high
    assert relative_width(samples[:200]) < relative_width(samples[:20])
    assert median_interval(samples[:5]) == (low, high)


@pytest.mark.parametrize(
    ("interval", "budget_s", "stopped"), [(1.0, 60.0, "interval"), (1e-9, 0.0, "budget")]
)
def test_a_run_says_what_it_took_and_why(tmp_path, interval, budget_s, stopped):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))
    notes = Notes()
    run = Runner(plan("sleeper", executor="sequential"), notes, executor_factory("sequential"))
    record = run.measure([clip], 1, ENOUGH, 1, repeating=Repeating(interval, budget_s))
    assert [one.warmup for one in record.passes] == [True] + [False] * ENOUGH
    assert record.auto is not None and (record.auto.stopped, record.auto.taken) == (stopped, ENOUGH)


def test_an_interrupted_run_says_so():
    rule = Repeating(0.05, 60.0)
    told = rule.told(after(rule, [1.0] * 3))
    assert (told.stopped, told.taken, told.width) == ("interrupted", 3, None)
    assert repeats.line(summary(told)).startswith("interrupted after 3 passes")


def summary(told: AutoRepeats) -> ScenarioSummary:
    return ScenarioSummary("single_stream", 1, told.taken, auto=told)


def test_the_result_has_it_and_reads_it_back():
    told = AutoRepeats(9, 9, "interval", "rtf_warm", 0.042, 0.05, 60.0, 55.5)
    raw = json.loads(json.dumps(to_json(summary(told))))
    assert raw["repeats"] == 9 and raw["auto"]["asked"] == "auto" and raw["auto"]["stopped"] == "interval"
    assert from_json(ScenarioSummary, raw) == summary(told)
    assert "auto" not in to_json(ScenarioSummary("single_stream", 1, 3))


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (
            AutoRepeats(9, 9, "interval", "rtf_warm", 0.042, 0.05, 60.0, 55.5),
            "9 passes: the 95 % interval of rtf_warm is ±2.1 % of the median (asked: ±2.5 %)",
        ),
        (
            AutoRepeats(7, 7, "budget", "rtf_warm", 0.126, 0.05, 60.0, 61.0),
            "budget of 60 s spent after 7 passes: the 95 % interval of rtf_warm is ±6.3 % of the median "
            "(asked: ±2.5 %; scenario.budget_s=120 goes on longer)",
        ),
    ],
)
def test_all_reports_say_it_in_a_line(told, line):
    run = report_results.a_run()
    run.run.scenario = summary(told)
    out = io.StringIO()
    console.show(run, Console(file=out, width=200))
    assert line in out.getvalue() and line in html.render(run) and line in markdown.render(run)
    run.run.scenario = ScenarioSummary("single_stream", 1, 9)
    assert "asked: ±" not in html.render(run)


def test_it_is_the_default_for_one_clip_at_a_time_and_a_number_elsewhere():
    assert config.compose().scenario.auto and config.compose("repeats=auto").repeats == "auto"
    assert config.compose("scenario=offline").scenario.repeats == 1
    assert config.compose("scenario=server").scenario.repeats == 1
    for wrong, said in (
        (("scenario=offline", "repeats=auto"), "with scenario=offline write a number"),
        (("repeats=often",), "scenario.repeats=often is neither auto nor a whole number"),
        (("scenario.interval=0",), "scenario.interval=0 is out of range"),
        (("scenario.budget_s=-1",), "scenario.budget_s=-1 is out of range"),
    ):
        with pytest.raises(InputError, match=said):
            session.check_scenario(config.compose(*wrong))


@pytest.mark.parametrize("words", [("scenario.in_flight=2",), ("calibrate=true",)])
def test_what_goes_on_at_once_or_is_to_be_alike_has_a_fixed_number(words):
    cfg = config.compose(*words)
    session.check_scenario(cfg)
    assert cfg.scenario.repeats == ENOUGH
    assert scenario.ScenarioConfig("single_stream").auto


def test_a_baseline_may_be_saved_with_it_and_a_calibration_made(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))
    words = ("only=[steady]", f"clip.path={clip}", f"baseline_store={tmp_path}/store")
    assert baselines.check(session.prepare(config.compose(*words, "baseline=save"), tmp_path / "a"))
    calibration.check(session.prepare(config.compose(*words, "calibrate=true"), tmp_path / "b"))
