"""Costs that synthetic measurements were made from are found again."""

from __future__ import annotations

import dataclasses
import random

import pytest

from clipbench.bench.costing import company, fitting
from clipbench.bench.costing.decoding_fit import decoding_cost
from clipbench.bench.costing.gpu_watch import GpuUse
from clipbench.bench.costing.observed import (
    EMPTY,
    SHARED,
    UNENDED,
    WITHOUT,
    Decoded,
    Loading,
    Observed,
    Pair,
    Timing,
)
from clipbench.executors.costs import Costs, Growth

NOTHING = Costs(machine="here", cores=2, source="measured", analyzers={})


def timings(
    analyzer: str, growth: Growth, parallel: float = 0.0, memo: str = EMPTY, kind: str = "feed"
) -> list[Timing]:
    """The times of four short pieces and the two long ones, and of these at two threads."""
    pieces = [(f"chunk {n} of 1.25 s", 1.25, 1) for n in range(4)]
    pieces += [(f"chunk {n} of 5 s", 5.0, threads) for n in range(2) for threads in (1, 2)]
    made = []
    for name, span_s, threads in pieces:
        seconds = growth.at(span_s, 1.0) * (1 - parallel + parallel / threads)
        repeats = [seconds * around for around in (0.9, 1.0, 1.2)]
        made.append(Timing(analyzer, kind, name, span_s, span_s, threads, memo, repeats))
    return made


def costs_of(*timings: list[Timing], memos: dict[str, list[str]] | None = None) -> Costs:
    """The costs from these timings alone."""
    each = [timing for some in timings for timing in some]
    loadings = {timing.analyzer: Loading(1.5, 0.2, 0.5) for timing in each}
    return fitting.costs_of(Observed(loadings=loadings, timings=each, memos=memos or {}), NOTHING)


def seconds(growth: Growth) -> float:
    return growth.at(5.0, 1.0)


def test_growth_threads_and_memory_are_found_again():
    cost = costs_of(timings("body_pose", Growth(0.05, 0.2), parallel=0.6)).analyzers["body_pose"]
    assert cost.work.host.fixed_s == pytest.approx(0.05)
    assert cost.work.host.per_s == pytest.approx(0.2)
    assert cost.work.parallel == pytest.approx(0.6)
    assert (cost.load_s, cost.memory_gb) == (1.5, pytest.approx(0.3))


def test_the_last_step_is_found_apart():
    finish = [
        Timing("body_pose", "finish", f"facts of {s} s", s, s, 1, EMPTY, [0.01 + 0.002 * s])
        for s in (5.0, 10.0)
    ]
    cost = costs_of(timings("body_pose", Growth(per_s=0.2)), finish).analyzers["body_pose"]
    assert cost.finish.host.fixed_s == pytest.approx(0.01)
    assert cost.finish.host.per_s == pytest.approx(0.002)
    assert cost.work.host.per_s == pytest.approx(0.2)


@pytest.mark.parametrize("memo", [EMPTY, SHARED])
def test_what_the_end_of_the_clip_adds_is_for_all_that_was_collected(memo):
    going_on = Growth(0.01, 0.002)
    found = timings("a", going_on, memo=memo)
    unended = [
        dataclasses.replace(t, step="unended", piece=t.piece + UNENDED) for t in found if "1 of 5" in t.piece
    ]
    for timing in found:
        if "1 of 5" in timing.piece:
            timing.seconds = [seconds + (0.9 if timing.threads == 1 else 0.6) for seconds in timing.seconds]
    memos = {"a": ["regions"], "b": ["regions"]} if memo == SHARED else {}
    others = timings("b", going_on, memo=memo)
    cost = costs_of(found, unended, others, memos=memos).analyzers["a"]
    assert (cost.work.host.fixed_s, cost.work.host.per_s) == pytest.approx((0.01, 0.002))
    assert cost.windowed.host.at(10.0, 1.0) == pytest.approx(0.9) and cost.window_s == 10.0
    assert cost.windowed.parallel == pytest.approx(2 / 3)


def test_an_end_that_adds_no_more_than_noise_adds_nothing():
    found = timings("a", Growth(0.01, 0.1))
    unended = [
        dataclasses.replace(t, step="unended", piece=t.piece + UNENDED, seconds=[0.9 * t.typical_s])
        for t in found
        if "1 of 5" in t.piece
    ]
    cost = costs_of(found, unended).analyzers["a"]
    assert cost == costs_of(found).analyzers["a"] and cost.window_s == 0.0


def test_what_two_share_is_no_part_of_either():
    own = {"object_detection": Growth(per_s=0.01), "body_pose": Growth(per_s=0.02)}
    found = [
        timings(name, Growth(growth.fixed_s, growth.per_s + more), memo=memo)
        for name, growth in own.items()
        for memo, more in ((EMPTY, 0.1), (SHARED, 0.0))
    ]
    costs = costs_of(*found, memos={name: ["detections"] for name in own})
    assert costs.analyzers["body_pose"].work.host.per_s == pytest.approx(0.02)
    assert costs.analyzers["object_detection"].derivations == ("detections",)
    assert costs.derivations["detections"].host.per_s == pytest.approx(0.1)


def test_who_needs_more_of_what_is_shared_has_a_part_of_its_own():
    """Faces at two frames a second, and at six: those who need more need what the others need too."""
    found = [
        timings(name, Growth(per_s=0.01 + more), memo=memo)
        for name, shared in (("age_estimation", 0.1), ("eye_tracking", 0.3))
        for memo, more in ((EMPTY, shared), (SHARED, 0.0))
    ]
    costs = costs_of(*found, memos={"age_estimation": ["faces"], "eye_tracking": ["faces"]})
    assert costs.analyzers["age_estimation"].derivations == ("faces",)
    assert costs.analyzers["eye_tracking"].derivations == ("faces", "faces (2)")
    assert seconds(costs.derivations["faces"].host) == pytest.approx(0.5)
    assert seconds(costs.derivations["faces (2)"].host) == pytest.approx(1.0)


def test_two_things_that_one_analyzer_shares_are_told_apart():
    memos = {"a": ["faces", "shots"], "b": ["faces"], "c": ["shots"]}
    took = {"faces": 0.2, "shots": 0.05}
    found = []
    for name, shared in memos.items():
        states = {
            EMPTY: shared,
            SHARED: [],
            **{f"{WITHOUT}{key}": [key] for key in shared if len(shared) > 1},
        }
        found += [
            timings(name, Growth(per_s=0.01 + sum(took[key] for key in missing)), memo=memo)
            for memo, missing in states.items()
        ]
    costs = costs_of(*found, memos=memos)
    assert costs.analyzers["a"].derivations == ("faces", "shots")
    assert costs.derivations["faces"].host.per_s == pytest.approx(0.2)
    assert costs.derivations["shots"].host.per_s == pytest.approx(0.05)
    assert costs.analyzers["a"].work.host.per_s == pytest.approx(0.01)


def test_what_only_one_asks_for_is_its_own():
    costs = costs_of(timings("a", Growth(per_s=0.3)), memos={"a": ["private"]})
    assert costs.derivations == {} and costs.analyzers["a"].work.host.per_s == pytest.approx(0.3)


def made_pairs(noise: float) -> list[Pair]:
    """Pairs of works whose pressures and sensitivities are known."""
    generator = random.Random(1)
    names = [f"work{n}" for n in range(12)]
    pressure = {name: generator.uniform(0, 2) for name in names}
    sensitivity = {name: generator.uniform(0, 0.4) for name in names}
    return [
        Pair(
            a, b,
            1 + sensitivity[a] * pressure[b] + generator.gauss(0, noise),
            1 + sensitivity[b] * pressure[a] + generator.gauss(0, noise),
        )
        for place, a in enumerate(names)
        for b in (names[(place + ahead) % 12] for ahead in (1, 3, 5))
    ]  # fmt: skip


def test_company_is_found_again():
    pairs = made_pairs(noise=0.0)
    fitted = company.fit(pairs)
    for pair in pairs:
        assert fitted.slower(pair.one, pair.other) == pytest.approx(pair.one_slower, abs=0.01)
        assert fitted.slower(pair.other, pair.one) == pytest.approx(pair.other_slower, abs=0.01)
    assert fitted.residual is not None and fitted.residual < 0.005
    assert fitted.holdout is not None and fitted.holdout < 0.02


def test_noise_is_seen_in_the_residual_and_more_so_in_what_was_held_out():
    fitted = company.fit(made_pairs(noise=0.1))
    assert fitted.residual is not None and fitted.holdout is not None
    assert 0.01 < fitted.residual < fitted.holdout


def test_a_few_wild_factors_make_no_work_wild():
    pairs = [dataclasses.replace(p, one_slower=1.05, other_slower=1.05) for p in made_pairs(noise=0.0)]
    for place, factor in ((3, 4.9), (11, 0.6), (20, 2.7)):
        pairs[place] = dataclasses.replace(pairs[place], one_slower=factor)
    fitted = company.fit(pairs)
    names = fitted.pressure
    assert all(fitted.slower(one, other) < 1.25 for one in names for other in names)
    assert fitted.holdout is not None and fitted.holdout < 0.03


def test_without_pairs_company_is_not_known():
    costs = costs_of(timings("a", Growth(per_s=0.3)))
    assert {"pressure", "sensitivity"} <= costs.unknown.keys() and costs.residual is None


def test_decoding_is_found_again():
    true = Growth(0.01, 0.02, 0.1)
    spans = [5.0, 2.5]
    decoded = [
        Decoded(name, size, 5.0, 1, 0.03, spans, [true.at(span_s, size) for span_s in spans], 0.2)
        for name, size in (("a", 0.9), ("b", 0.5), ("c", 0.3))
    ]
    more = [1.4 * seconds for seconds in decoded[0].seconds]
    cost = decoding_cost([*decoded, Decoded("a", 0.9, 5.0, 3, 0.03, spans, more)])
    assert cost.frames.fixed_s == pytest.approx(0.01)
    assert cost.frames.per_s == pytest.approx(0.02)
    assert cost.frames.per_megapixel_s == pytest.approx(0.1)
    assert cost.more_sizes == pytest.approx(0.2)
    assert (cost.open_s, cost.spawn_s) == (0.03, 0.2)


def test_decoding_has_the_level_of_the_clip_that_costs_are_of():
    """The other two clips are simpler to decode than their size says."""
    spans = [5.0, 5.0, 2.0]
    true = {
        "a": Growth(per_megapixel_s=0.1),
        "b": Growth(per_megapixel_s=0.07),
        "c": Growth(per_megapixel_s=0.08),
    }
    decoded = [
        Decoded(name, size, 5.0, 1, 0.03, spans, [true[name].at(span_s, size) for span_s in spans])
        for name, size in (("a", 0.9), ("b", 0.5), ("c", 0.3))
    ]
    several = Decoded("a", 0.9, 5.0, 3, 0.03, spans, [1.4 * seconds for seconds in decoded[0].seconds])
    cost = decoding_cost([*decoded, several])
    assert sum(cost.frames.at(span_s, 0.9) for span_s in spans) == pytest.approx(sum(decoded[0].seconds))
    assert cost.more_sizes == pytest.approx(0.2)


def test_seconds_of_a_gpu_are_taken_from_those_of_the_host():
    each = timings("a", Growth(per_s=0.4))
    found = Observed({"a": Loading(1.0)}, each, gpu={"a": GpuUse(busy=0.75, sm_activity=0.3)})
    work = fitting.costs_of(found, NOTHING).analyzers["a"].work
    assert work.gpu.per_s == pytest.approx(0.3) and work.host.per_s == pytest.approx(0.1)
    assert work.gpu_share == pytest.approx(0.4)
