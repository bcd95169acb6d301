"""The comparability key: the same before a run and after it, and what each use of it takes and leaves out."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from clipbench.bench.comparing import calibration, comparability
from clipbench.bench.measuring import session
from clipbench.bench.measuring.analyzer_results import weights_digest
from clipbench.bench.planning import config
from clipbench.bench.runs.facts import differences, digest
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import from_json, to_json
from tests.support.fake_plans import Notes, use_fakes
from tests.support.stored_results import a_result
from tests.support.video_files import numbered_frames, write_clip


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Prepare a run of fake analyzers with these overrides."""
    use_fakes(monkeypatch)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))

    def prepare(*overrides: str) -> session.Session:
        words = (f"clip.path={clip}", "only=[steady,sleeper]", "scenario.repeats=1", *overrides)
        return session.prepare(config.compose(*words), tmp_path / "run")

    return prepare


def test_a_run_has_the_same_key_before_and_after_it(prepared):
    before = prepared("executor.memory_fraction=0.5", "models.sleeper.seconds=0.01", "faults=slow",
                      "executor=threads", "grouping.groups.all.replicas=2",
                      "faults.analyzer=steady", "faults.seconds=0.01")  # fmt: skip
    result = session.run(before, Notes()).result
    planned, made = comparability.of_session(before), comparability.of_result(result)
    assert planned == dataclasses.replace(made, networks={})
    assert made.networks["analyzers.sleeper.model"] == []
    assert planned.sweep()["executor.memory_fraction"] == 0.5
    assert planned.sweep()["models.sleeper.seconds"] == 0.01
    assert planned.sweep()["grouping.groups.all.replicas"] == 2
    assert planned.sweep()["faults"][0]["kind"] == "slow"


#: Changes of a configuration, and the facts that differ with it.
OTHERS = {
    "models.sleeper.seconds=0.06": "models.sleeper.seconds",
    "executor.cleanup=unload": "executor.cleanup",
    "executor.memory_fraction=0.5": "executor.memory_fraction",
    "executor.threads=1": "executor.threads",
    "grouping.groups.all.need=2": "grouping.groups.all.need",
    "scenario.warmup=2": "scenario.warmup",
    "grouping.stages=true": "grouping.stages",
    "grouping.groups.all.replicas=2": "grouping.groups.all.replicas",
    "seed=7": "seed",
}


@pytest.mark.parametrize("override", OTHERS)
def test_every_use_but_a_comparison_sees_another_setting(prepared, override):
    one = comparability.of_session(prepared("executor.threads=2"))
    other = comparability.of_session(prepared("executor.threads=2", override))
    for use in ("baseline", "noise_floor", "sweep", "candidate"):
        (line,) = differences(getattr(one, use)(), getattr(other, use)())
        assert line.startswith(f"{OTHERS[override]}: ")
    about = OTHERS[override].startswith(("executor.", "grouping."))
    assert (one.comparison() == other.comparison()) is about


def test_another_file_of_the_same_name_is_another_model(tmp_path):
    """What is measured with a network of the user's own has no baseline with another one."""
    network = tmp_path / "own.onnx"
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))
    words = (f"clip.path={clip}", "only=[scene_segmentation]", f"models.scene_segmentation.model={network}")

    def key() -> comparability.ComparabilityKey:
        return comparability.of_session(session.prepare(config.compose(*words), tmp_path / "run"))

    network.write_bytes(b"one network")
    before = key()
    assert differences(before.baseline(), key().baseline()) == []
    network.write_bytes(b"another network")
    for use in ("baseline", "noise_floor", "sweep", "candidate", "comparison"):
        (line,) = differences(getattr(before, use)(), getattr(key(), use)())
        assert line.startswith(f"models.scene_segmentation.file {network}: ")


def test_the_digest_of_an_own_file_is_in_the_result(tmp_path):
    network = tmp_path / "own.onnx"
    network.write_bytes(b"one network")
    digest = weights_digest(str(network))
    assert digest is not None and len(digest) == 64 and weights_digest(str(tmp_path / "none.onnx")) is None
    result = a_result()
    result.analyzers["text"].weights = {str(network): digest, "nanodet": "0" * 64}
    work = comparability.of_result(result).work
    assert work[f"models.text.file {network}"] == digest and not any("nanodet" in name for name in work)


def changed(result: Result, part: str, **values: Any) -> Result:
    """A copy of a result in which these values of `run` or `environment` of result.json are others."""
    raw = to_json(result)
    return from_json(Result, raw | {part: raw[part] | values})


def test_each_use_leaves_out_what_it_is_there_to_show():
    one = comparability.of_result(a_result())
    newer = comparability.of_result(changed(a_result(), "environment", packages={"torch": "2.14.0"}))
    larger = comparability.of_result(changed(a_result(), "environment", memory_gb=60.0))
    faulty = comparability.of_result(
        changed(a_result(), "run", faults=[{"kind": "slow", "analyzer": "text", "seconds": 1.0}])
    )
    other = a_result()
    other.analyzers["text"].weights = {"net": "00" * 32}
    reweighted = comparability.of_result(other)
    for key in (newer, larger, faulty, reweighted):
        assert key.comparison() != one.comparison() and key.candidate() != one.candidate()
        assert key.baseline() == one.baseline() and key.noise_floor() == one.noise_floor()
    for key in (newer, larger, faulty):
        assert key.sweep() != one.sweep()


def test_the_commit_is_in_no_use():
    one = comparability.of_result(a_result()).candidate()
    assert one == comparability.of_result(a_result(environment={"git_commit": "e" * 40})).candidate()


def test_memory_counts_as_equal_if_the_kernel_keeps_a_little_more_of_it():
    def listed(memory: float) -> list[str]:
        return differences({"machine.memory_gb": 25.3}, {"machine.memory_gb": memory})

    assert listed(25.4) == [] and listed(50.6) == ["machine.memory_gb: 25.3 → 50.6"]


def test_a_long_value_is_shortened_and_a_missing_one_is_null():
    assert differences({"x": "a" * 99}, {}) == [f"x: {'a' * 59}… → null"]


# A noise floor is for what it was measured of.

#: Names of what a run differs in from a calibrated one, and how: in the run, or in its environment.
NEIGHBOURS = {
    "another size of the models": ("run", {"settings": {"text": {"fps": 2.0, "model_size": "full"}}}),
    "another setting of an analyzer": ("run", {"settings": {"text": {"fps": 5.0, "model_size": "tiny"}}}),
    "another scenario": (
        "run",
        {"scenario": {"name": "offline", "warmup": 1, "repeats": 3, "in_flight": 4}},
    ),
    "another warm-up": ("run", {"scenario": {"name": "single_stream", "warmup": 0, "repeats": 3}}),
    "another cleanup mode": ("run", {"executor_settings": {"cleanup": "unload", "memory_fraction": None}}),
    "another share of the GPU": ("run", {"executor_settings": {"cleanup": "exit", "memory_fraction": 0.5}}),
    "stages": ("run", {"stages": True}),
    "other workers": ("run", {"workers": 4}),
    "other threads": ("run", {"threads": 1}),
    "another executor": ("run", {"executor": "threads"}),
    "another grouping": ("run", {"grouping": "staged"}),
    "a group on a GPU": (
        "run",
        {"groups": [{"name": "all", "device": "gpu:0", "cpus": [], "analyzers": ["text"]}]},
    ),
    "another profile": ("run", {"models": "full"}),
    "another clip": ("run", {"clips": [{"path": "b.mp4", "sha256": "ef" * 32}]}),
    "another processor": ("environment", {"cpu": "Intel Xeon"}),
    "other cores": ("environment", {"cores_allowed": 64}),
    "a GPU": ("environment", {"gpus": [{"name": "H100", "driver": "1", "memory_gb": 80}]}),
}


def calibrated() -> Result:
    """A run of small models whose configuration was calibrated."""
    result = a_result(
        [1.0, 1.2, 0.9],
        run={
            "models": "random",
            "settings": {"text": {"fps": 2.0, "model_size": "tiny"}},
            "stages": False,
            "executor_settings": {"cleanup": "exit", "memory_fraction": None},
            "groups": [{"name": "all", "device": "cpu", "cpus": [], "analyzers": ["text"]}],
            "other_cores": 0.0,
        },
    )
    calibration.calibrate(lambda number: result)
    return result


def test_a_noise_floor_is_found_for_the_configuration_that_it_is_of():
    found = calibration.lookup(calibrated())
    assert found.value != calibration.DEFAULT and found.source.startswith("calibrated on ")


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_a_noise_floor_is_not_handed_to_another_configuration(neighbour):
    field, values = NEIGHBOURS[neighbour]
    found = calibration.lookup(changed(calibrated(), field, **values))
    assert found.value == calibration.DEFAULT and found.source.startswith("not calibrated"), neighbour


def test_a_calibration_of_small_models_is_not_that_of_full_ones(prepared):
    """By the whole way, from the command line to the key."""
    keys = {
        size: digest(
            comparability.of_session(
                prepared("models=random", f"models.size={size}", "only=[color_analysis,object_detection]")
            ).noise_floor()
        )
        for size in ("tiny", "full")
    }
    assert keys["tiny"] != keys["full"]


ARRIVING = ("scenario=server", "scenario.rate=50", "scenario.clips=3", "scenario.latency_limit_s=5")


def test_clips_that_arrive_one_after_another_have_the_same_key_before_and_after(prepared):
    before = prepared(*ARRIVING)
    result = session.run(before, Notes()).result
    planned, made = comparability.of_session(before), comparability.of_result(result)
    assert planned == dataclasses.replace(made, networks={})
    assert result.served.arrived == result.served.finished == 3
    assert all(one.arrived_s <= one.start_s for one in result.run.passes if not one.warmup)


@pytest.mark.parametrize("setting", ["rate=51", "clips=4", "seed=1", "latency_limit_s=6", "in_flight=3"])
def test_clips_that_arrive_otherwise_are_other_work(prepared, setting):
    keys = [comparability.of_session(prepared(*ARRIVING, *more)) for more in ((), (f"scenario.{setting}",))]
    for use in ("comparison", "baseline", "sweep"):
        found = differences(*(getattr(key, use)() for key in keys))
        assert any(line.startswith(f"scenario.{setting.partition('=')[0]}: ") for line in found)


def test_the_times_of_a_file_are_part_of_the_key(prepared, tmp_path):
    digests = set()
    for name, times in {"a": "0\n1\n", "b": "0\n1\n", "c": "0\n2\n"}.items():
        (tmp_path / name).write_text(times)
        made = prepared("scenario=server", f"scenario.arrivals='{tmp_path / name}'")
        digests.add(comparability.of_session(made).work["scenario.arrivals"])
    assert len(digests) == 2
