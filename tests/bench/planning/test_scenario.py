"""When clips arrive, how many, and what is refused in one line."""

from __future__ import annotations

import itertools

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.planning import scenario as scenarios
from clipbench.bench.planning.percentiles import clips_for_bound, clips_for_margin, clips_needed, percentile
from clipbench.bench.planning.scenario import ScenarioConfig


def service(**settings):
    made = ScenarioConfig(**{"name": "server", "repeats": 1, "in_flight": 2, **settings})
    scenarios.check(made)
    return scenarios.service_of(made)


def test_the_percentile_says_how_many_clips_arrive():
    # LoadGen's own: 64 queries for the 90th percentile, 662 for the 99th.
    assert [clips_for_bound(percent) for percent in (50, 90, 95, 99)] == [11, 64, 130, 662]
    assert [clips_needed(percent) for percent in (50, 95, 99)] == [64, 130, 662]
    # The paper's table has 23,886 and 50,425 and 262,742; the second is 50,425.4, and rounded up here.
    assert [clips_for_margin(percent) for percent in (90, 95, 99)] == [23886, 50426, 262742]
    assert len(service(rate=1.0).times_s) == 130
    assert len(service(rate=1.0, percentile=99).times_s) == 662
    assert len(service(rate=1.0, clips=5, repeats=3).times_s) == 15


def test_a_percentile_is_the_nearest_rank():
    values = list(range(1, 101))
    assert [percentile(values[::-1], p) for p in (50, 95, 99)] == [50, 95, 99]
    assert percentile([3.0], 99) == 3.0


def test_arrivals_are_poisson_and_the_seeds():
    times = service(rate=2.0, clips=4000).times_s
    assert times == service(rate=2.0, clips=4000).times_s != service(rate=2.0, clips=4000, seed=1).times_s
    assert times[-1] == pytest.approx(2000, rel=0.05)
    # Of exponential gaps, e⁻¹ are longer than the mean.
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert sum(gap > 0.5 for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.03)
    assert service(rate=4.0, clips=4000).times_s == pytest.approx([time / 2 for time in times])


def test_times_of_a_file(tmp_path):
    file = tmp_path / "times.txt"
    file.write_text("0\n0.5\n\n0.5\n3e1\n")
    assert service(arrivals=str(file)).times_s == (0.0, 0.5, 0.5, 30.0)
    assert service(arrivals=str(file), clips=2).times_s == (0.0, 0.5)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("1\n0.5\n", "line 2: 0.5 comes after 1; write the times in ascending order"),
        ("1\nsoon\n", 'line 2: "soon" is not a time in seconds'),
        ("-1\n", "line 1: -1 is out of range: a time is 0 or more seconds"),
        ("nan\n", "line 1: nan is out of range: a time is 0 or more seconds"),
        ("\n", "has 0 times"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_files_of_times_that_cannot_be_used(tmp_path, content, line):
    file = tmp_path / "times.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError) as error:
        service(arrivals=str(file))
    assert str(error.value).startswith(f"scenario.arrivals: {file}") and str(error.value).endswith(line)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"rate": 0.0}, "scenario.rate=0 is out of range"),
        ({"rate": -1.0}, "scenario.rate=-1 is out of range"),
        ({"rate": float("nan")}, "scenario.rate=nan is out of range"),
        ({"rate": 1.0, "latency_limit_s": 0.0}, "scenario.latency_limit_s=0 is out of range"),
        ({"rate": 1.0, "clips": 0}, "scenario.clips=0 is out of range"),
        ({"rate": 1.0, "percentile": 90}, "scenario.percentile=90 is none of those that are measured: 50"),
        ({"rate": 1.0, "warmup": 0}, "scenario=server requires scenario.warmup=1"),
        ({}, "scenario=server requires the clips that arrive per second"),
        ({"search": True}, "scenario.search=true requires a limit"),
        ({"name": "offline", "rate": 1.0}, "scenario.rate=1.0 is for clips that arrive: add scenario=server"),
        ({"arrivals": "times.txt", "rate": 1.0}, "scenario.arrivals and scenario.rate exclude each other"),
        ({"arrivals": "times.txt", "repeats": 2}, "scenario.repeats=2: clips arrive once"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(settings, line):
    with pytest.raises(InputError) as error:
        service(**settings)
    assert str(error.value).startswith(line)
