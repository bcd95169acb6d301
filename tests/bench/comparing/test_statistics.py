"""The calls of statistics.py: known answers, planted shifts, how often they are wrong on measured noise."""

from __future__ import annotations

import json
import math

import pytest

from clipbench.bench.comparing.statistics import (
    MARGIN,
    MIN_NOISE,
    compare_samples,
    noise_floor,
)
from clipbench.bench.enough import ALPHA, ENOUGH, ENOUGH_PAIRS
from clipbench.bench.errors import InputError
from studies.decisions import NOISE, deviations, floor_of, judged, kept, main, read, share, simulated

QUIET = read(NOISE)["deviations"]
RESTLESS = read(NOISE.with_name("noise_sequential.json"))["deviations"]
BUSY = read(NOISE.with_name("noise_busy.json"))["deviations"]
#: Nine passes of some machine.
PASSES = [5.02, 5.00, 5.05, 4.98, 5.01, 5.30, 4.99, 5.03, 5.00]


def times(factor: float, passes=PASSES) -> list[float]:
    return [factor * x for x in passes]


def test_known_answers():
    found = compare_samples([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0], 0.02)
    assert (found.ratio, found.low, found.high) == (2.0, 2.0, 2.0)  # each pair has the same ratio
    assert found.p == pytest.approx(2 / 2**7)  # all signs alike: the least that a signed rank test gives
    assert found.call == "slower" and found.samples == (7, 7) and found.noise == 0.02 and found.paired

    apart = compare_samples([1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0], 0.02, paired=False)
    assert apart.p == pytest.approx(2 / math.comb(10, 5)) and apart.call == "slower" and not apart.paired
    assert apart.ratio == pytest.approx(8 / 3) and apart.low < 8 / 3 < apart.high


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("factor", "call"), [(1.1, "slower"), (1 / 1.1, "faster"), (1.0, "same")])
def test_planted_shifts(factor, call, paired):
    found = compare_samples(PASSES, times(factor, PASSES[::-1]), 0.02, paired)
    assert found.call == call and found.reason == ""
    assert found.ratio == pytest.approx(factor) and found.low <= factor <= found.high


def test_where_more_is_better():
    assert compare_samples(PASSES, times(1.1), 0.02, better="higher").call == "faster"
    assert compare_samples(PASSES, times(0.9), 0.02, better="higher").call == "slower"
    assert compare_samples(PASSES, PASSES, 0.02, better="higher").call == "same"


def test_turned_around_it_says_the_opposite():
    there, back = compare_samples(PASSES, times(1.1), 0.02), compare_samples(times(1.1), PASSES, 0.02)
    assert (there.call, back.call) == ("slower", "faster")
    assert there.ratio == pytest.approx(1 / back.ratio)


def test_a_difference_within_the_noise_floor_is_no_difference():
    assert compare_samples(PASSES, times(1.04), 0.02).call == "slower"
    assert compare_samples(PASSES, times(1.04), 0.04).call == "same"
    assert compare_samples(PASSES, times(1.08), 0.1).call == "same"  # nothing less can be told apart here
    between = compare_samples(PASSES, times(1.08), 0.08)
    assert between.call == "same" and between.high <= 1.08 + 1e-9


def test_undecided_says_why():
    wide = compare_samples([4.0, 5.0, 6.1] * 3, [6.0, 4.2, 5.3] * 3, 0.02)
    assert wide.call == "undecided" and "more repeats" in wide.reason and f"{100 * MARGIN:g} %" in wide.reason

    # A tenth slower in the median; but three pairs say the opposite, and by much.
    first = [1.0 + k / 1000 for k in range(10)] + [2.0, 2.1, 2.2]
    second = [1.1 + k / 900 for k in range(10)] + [1.21, 1.2, 1.22]
    odd = compare_samples(first, second, 0.02)
    assert odd.low > 1.02 and odd.p > ALPHA
    assert odd.call == "undecided" and "rank test" in odd.reason


@pytest.mark.parametrize("n", range(ENOUGH))
def test_too_few_samples(n):
    found = compare_samples(PASSES[:n], times(2, PASSES[:n]), 0.02)
    assert found.call == "undecided" and str(ENOUGH) in found.reason and f"{n} samples" in found.reason
    assert math.isnan(found.ratio) == (n == 0) and math.isnan(found.low) == (n < 2)
    said = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert (said["ratio"] is None) == (n == 0) and said["samples"] == [n, n]


def test_the_fewest_samples_are_enough():
    few = PASSES[:ENOUGH]
    assert compare_samples(few, times(1.5, few), 0.02, paired=False).call == "slower"
    assert compare_samples(few, few, 0.02).call == "same"
    pairs = compare_samples(few, times(1.5, few), 0.02)
    assert pairs.call == "undecided" and f"needs {ENOUGH_PAIRS} or more" in pairs.reason
    more = PASSES[:ENOUGH_PAIRS]
    assert compare_samples(more, times(1.5, more), 0.02).call == "slower"


def test_sides_of_different_length_have_no_pairs():
    found = compare_samples(PASSES, times(1.1)[:7], 0.02)
    assert not found.paired and found.samples == (9, 7) and found.call == "slower"


def test_a_drift_that_both_candidates_share_cancels_in_pairs():
    drift = [1 + 0.04 * k for k in range(9)]
    first = [a * b for a, b in zip(PASSES, drift, strict=True)]
    second = [1.1 * a * b for a, b in zip(PASSES[::-1], drift, strict=True)]
    assert compare_samples(first, second, 0.02).call == "slower"
    assert compare_samples(first, second, 0.02, paired=False).call == "undecided"


def test_a_disturbed_pass_moves_no_ratio():
    slow = times(1.1)
    for side in (0, 1):
        sides = [list(PASSES), list(slow)]
        sides[side][4] *= 3
        assert compare_samples(*sides, 0.02).ratio == pytest.approx(1.1, abs=0.02)
    assert compare_samples(PASSES, [*slow[:8], 50.0], 0.02).call == "slower"
    # Where it hit the reference, eight pairs say slower and one the opposite, and by most: no call.
    hit = compare_samples([*PASSES[:8], 50.0], slow, 0.02)
    assert hit.call == "undecided" and "rank test" in hit.reason
    assert compare_samples([*PASSES[:8], 50.0], slow, 0.02, paired=False).call == "slower"


def test_constant_samples_and_zeros():
    assert compare_samples([2.0] * 9, [2.0] * 9, 0.0).call == "same"
    assert compare_samples([2.0] * 9, [2.0] * 9, 0.0, paired=False).call == "same"
    assert compare_samples([2.0] * 9, [2.2] * 9, 0.02).call == "slower"
    nothing = compare_samples([0.0] * 9, [0.0] * 9, 0.02)
    assert nothing.call == "same" and nothing.ratio == 1
    appeared = compare_samples([0.0] * 9, [1.0] * 9, 0.02)
    assert appeared.call == "undecided" and "median is 0" in appeared.reason
    assert appeared.as_json()["ratio"] is None
    gone = compare_samples([1.0] * 9, [0.0] * 9, 0.02)
    assert gone.call == "faster" and gone.ratio == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_what_is_no_sample_is_refused(bad):
    with pytest.raises(ValueError, match="0 or more"):
        compare_samples([*PASSES, bad], PASSES, 0.02)
    with pytest.raises(ValueError, match="noise floor"):
        compare_samples(PASSES, PASSES, bad)


def test_the_same_input_gives_the_same_answer():
    busy = [1 + x for x in BUSY[0][:18]]
    assert compare_samples(busy[::2], busy[1::2], 0.02) == compare_samples(busy[::2], busy[1::2], 0.02)
    other = compare_samples(busy[::2], busy[1::2], 0.02, seed=1)
    assert other.ratio == compare_samples(busy[::2], busy[1::2], 0.02).ratio


def test_noise_floors():
    assert noise_floor(PASSES, PASSES) == MIN_NOISE
    assert noise_floor(PASSES, times(1.03)) == pytest.approx(0.03)
    assert noise_floor(times(1.03), PASSES) == pytest.approx(0.03)
    with pytest.raises(ValueError, match=f"requires {ENOUGH} samples"):
        noise_floor(PASSES[:4], PASSES)
    with pytest.raises(ValueError, match="median"):
        noise_floor([0.0] * 5, PASSES)


def test_false_alarms_on_measured_noise():
    """A configuration against itself, a hundred times: at most two calls, quiet, restless or busy."""
    for series in (QUIET, RESTLESS, BUSY):
        calls = simulated(series, 0.0, 9, floor_of(series), trials=100)
        assert calls["faster"] + calls["slower"] <= 2, calls
    assert simulated(QUIET, 0.0, 9, floor_of(QUIET), trials=100)["same"] >= 50


def test_a_slowdown_of_a_tenth_on_measured_noise():
    """Called slower at least 95 times of a hundred at nine repeats; never faster, also on a busy machine."""
    calls = simulated(QUIET, 0.1, 9, floor_of(QUIET), trials=100)
    assert calls["slower"] >= 95, calls
    assert simulated(BUSY, 0.1, 9, floor_of(BUSY), trials=100)["faster"] == 0


def test_noise_is_read_from_runs_and_from_real_pairs(tmp_path):
    run = {
        "metrics": [{"name": "rtf_warm", "samples": [1.0] * 15 + [1.5]}],
        "run": {"command": "python run.py"},
    }
    assert deviations(run) == [[0.0] * 15 + [0.5]]
    assert kept(run, deviations(run))["command"] == "python run.py"
    pair = {"A": [1.0] * 9, "again": [1.2] * 9, "slow": [1.1] * 9, "other_cores": 0.0}
    assert deviations({"pairs": [pair]})[0][:2] == pytest.approx([1 / 1.1 - 1, 1.2 / 1.1 - 1], abs=1e-6)
    for few in (
        {},
        {"metrics": []},
        {"metrics": [{"name": "rtf_warm", "samples": [1.0] * 15}]},
        {"pairs": []},
    ):
        with pytest.raises(InputError, match="16 measured passes"):
            deviations(few)
    with pytest.raises(InputError, match="it takes a run"):
        read(tmp_path)


def test_real_pairs_are_judged_by_the_noise_of_the_others():
    steady = {"A": PASSES, "again": PASSES[::-1], "slow": times(1.1)}
    restless = {"A": PASSES, "again": times(1.05), "slow": times(1.1)}
    (first, alarm, found), *_ = judged([restless, steady, steady])
    assert first == MIN_NOISE and alarm.call == "slower" and found.call == "slower"
    assert judged([steady, restless, restless])[0][0] > 0.03


def test_the_command(tmp_path, capsys):
    main([str(NOISE), "--trials", "2", "--keep", str(tmp_path / "kept.json")])
    out = capsys.readouterr().out
    assert "slower or faster" in out and "20 repeats" in out
    assert read(tmp_path / "kept.json")["deviations"] == QUIET
    for wrong in (["--real", "1"], [str(tmp_path / "none.json")]):
        with pytest.raises(SystemExit) as left:
            main(wrong)
        assert left.value.code == 2
    assert share(95, 100).startswith("95.0 % (")
