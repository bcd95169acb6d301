"""What may be compared, and what is refused with the differences."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing import comparison
from clipbench.bench.errors import InputError
from tests.support.comparisons import SLOW, call, compared
from tests.support.stored_results import CLIP, a_result, without, written

DIFFERENT = {
    "machine.cpu": {"environment": {"cpu": "Intel Xeon"}},
    "machine.cores_allowed": {"environment": {"cores_allowed": 8}},
    "machine.memory_gb": {"environment": {"memory_gb": 60.0}},
    "machine.gpus": {"environment": {"gpus": [{"name": "H100", "driver": "570", "memory_gb": 80}]}},
    "version.python": {"environment": {"python": "3.12.1"}},
    "version.torch": {"environment": {"packages": {"torch": "2.14.0"}}},
    "clip.sha256": {"run": {"clips": [CLIP | {"sha256": "ef" * 32}]}},
    "models.profile": {"run": {"models": "random"}},
    "models.text.fps": {"run": {"settings": {"text": {"fps": 5.0}}}},
    "seed": {"run": {"seed": 7}},
    "faults": {"run": {"faults": [{"kind": "slow", "analyzer": "text"}]}},
    "scenario.warmup": {"run": {"scenario": {"warmup": 0}}},
    "scenario.in_flight": {"run": {"scenario": {"in_flight": 4}}},
    "analyzers, beside what all have": {"analyzers": {"more": a_result().analyzers["text"]}},
}


@pytest.mark.parametrize("key", DIFFERENT)
def test_sides_that_do_not_match_are_refused_with_what_differs(tmp_path, key):
    with pytest.raises(InputError, match="do not match") as refused:
        compared(tmp_path, a=a_result(), b=a_result(**DIFFERENT[key]))
    lines = str(refused.value).splitlines()[1:-1]
    assert any(line.strip().startswith(f"{key}: ") and " in a" in line and " in b" in line for line in lines)
    made = compared(tmp_path / "again", allow=True, a=a_result(), b=a_result(**DIFFERENT[key]))
    assert len(made.mismatches) == len(lines) and "do not match" in made.recommendation.sentence


def test_other_weights_are_refused(tmp_path):
    other = a_result()
    other.analyzers["text"].weights = {"net": "00" * 32}
    with pytest.raises(InputError, match=r"analyzers\.text\.weights"):
        compared(tmp_path, a=a_result(), b=other)


def test_what_a_comparison_is_about_may_differ(tmp_path):
    other = a_result(
        SLOW,
        grouping="staged",
        executor="threads",
        run={"threads": 1, "workers": 4, "plugins": {"parts.py": "beef"}},
        environment={"git_commit": "e" * 40, "git_dirty": True, "memory_gb": 25.4},
    )
    made = compared(tmp_path, a=a_result(run={"plugins": {"parts.py": "cafe"}}), b=other)
    assert made.mismatches == []
    assert any("git commit: fffffffff in a; eeeeeeeee in b" in line for line in made.warnings)
    assert any("plugin parts.py: cafe in a; beef in b" in line for line in made.warnings)
    assert any("not made in turns" in line for line in made.warnings)


def test_runs_of_one_candidate_must_be_of_one_configuration(tmp_path):
    written(a_result(), tmp_path / "many" / "1")
    written(a_result(grouping="staged"), tmp_path / "many" / "2")
    candidates = comparison.load([tmp_path / "many", f"b={written(a_result(), tmp_path / 'b')}"])
    with pytest.raises(InputError, match=r"grouping.name: sequential in .*; staged in "):
        comparison.compare(candidates)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (a_result(run={"interrupted": True}), "it was interrupted"),
        (a_result(run={"profile": "torch"}), "profile=torch"),
        (a_result([]), "no repeat was measured"),
        (without(without(a_result(), "text"), "cuts"), "no analyzer succeeded"),
    ],
)
def test_what_is_no_measurement_is_refused(tmp_path, bad, says):
    with pytest.raises(InputError, match=f"b is not a measurement: .*{says}"):
        compared(tmp_path, a=a_result(), b=bad)
    made = compared(tmp_path / "again", allow=True, a=a_result(), b=bad)
    assert made.mismatches and made.recommendation.use != "b"


def test_a_subset_of_the_analyzers_can_be_compared_with_the_same_subset(tmp_path):
    one, two = (a_result(verdict="invalid", verdict_reason="only 2 of 20 analyzers ran") for _ in range(2))
    assert call(compared(tmp_path, a=one, b=two), "b") == "same"
