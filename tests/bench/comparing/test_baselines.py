"""The file of a baseline: which one a run belongs to, and what is refused before anything is measured."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing import baseline_comparison, baselines
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import session as sessions
from clipbench.bench.planning import config
from clipbench.bench.probes import environment
from tests.support.baselines import a_saved_result
from tests.support.fake_plans import use_fakes
from tests.support.video_files import numbered_frames, write_clip

KEY = {"grouping.name": "sequential", "executor.name": "threads", "models.profile": "embedded", "x": [1]}


def test_a_store_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "store").touch()
    with pytest.raises(InputError, match=r"baseline_store: .*cannot be written to"):
        baseline_comparison.save(baselines.find(tmp_path / "store", KEY), a_saved_result())


def test_configurations_do_not_share_a_file(tmp_path):
    names = {baselines.find(tmp_path, KEY | change).path.name for change in ({}, {"x": [2]}, {"y": 1})}
    assert len(names) == 3
    odd = baselines.find(tmp_path, KEY | {"grouping.name": "../up \n"}).path
    assert odd.parent == tmp_path and odd.name.startswith("___up__-threads-embedded-")


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """Prepare a run of fake analyzers with these overrides."""
    use_fakes(monkeypatch)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))

    def prepare(*overrides: str) -> sessions.Session:
        words = ("only=[steady,sleeper]", f"clip.path={clip}", f"baseline_store={tmp_path}/store", *overrides)
        return sessions.prepare(config.compose(*words), tmp_path / "run")

    return prepare


def refused(session: sessions.Session) -> str:
    """The line with which a run is refused."""
    with pytest.raises(InputError) as error:
        baselines.check(session)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_nothing_asked_for_nothing_looked_for(prepared):
    assert baselines.check(prepared("baseline_store=/nowhere")) is None


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["baseline=compare", "scenario.repeats=4"], "requires scenario.repeats=5 or more"),
        (["baseline=compare", "scenario=offline"], "requires scenario=single_stream"),
        (["baseline=svae"], "baseline=svae does not exist; did you mean save?"),
        (["baseline=compare", "profile=torch"], "profile=torch"),
        (["baseline=save", "faults=slow", "faults.analyzer=steady"], "planted fault (faults=slow)"),
        (["baseline=compare", "clip.path=nothing.mp4"], "clip.path: there is no file nothing.mp4"),
    ],
)
def test_what_could_not_succeed_is_refused_before_it_starts(prepared, overrides, line):
    with pytest.raises(InputError) as error:
        baselines.check(prepared(*overrides))
    assert line in str(error.value) and "\n" not in str(error.value)


def test_without_a_baseline_there_is_nothing_to_compare_with(prepared):
    line = refused(prepared("baseline=compare"))
    assert "has no baseline" in line and "baseline=save" in line


def test_a_planted_fault_does_not_make_another_configuration(prepared):
    baseline_comparison.save(baselines.check(prepared("baseline=save")), a_saved_result())
    found = baselines.check(prepared("baseline=compare", "faults=slow", "faults.analyzer=steady"))
    assert len(found.runs) == 1


def test_another_configuration_is_refused_with_what_differs(prepared, monkeypatch):
    baseline_comparison.save(
        baselines.check(prepared("baseline=save", "executor.threads=1")), a_saved_result()
    )
    monkeypatch.setattr(environment, "cpu_name", lambda: "Another processor")
    line = refused(
        prepared(
            "baseline=compare", "executor.threads=7", "executor.cleanup=unload", "only=[steady]",
            "clip.path=clips/reference.mp4",
        )
    )  # fmt: skip
    for part in (
        "machine.cpu: ",
        " → Another processor",
        "clip.sha256: ",
        "executor.threads: 1 → 7",
        "executor.cleanup: exit → unload",
        'analyzers: ["sleeper", "steady"] → ["steady"]',
        "models.sleeper.seconds: 0.05 → null",
        "baseline=save",
    ):
        assert part in line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"schema": 99, "key": {}, "runs": []}',
        '{"schema": 2, "key": 1, "runs": 1}',
        '{"schema": 2, "key": {}, "runs": [{}]}',
        '{"schema": 2}',
    ],
)
def test_a_file_that_is_no_baseline_is_named(prepared, text):
    own = baselines.check(prepared("baseline=save")).path
    own.parent.mkdir()
    (own.parent / "broken.json").write_text(text)
    assert "has no baseline" in refused(prepared("baseline=compare"))  # that of somebody else is left alone
    own.write_text(text)
    line = refused(prepared("baseline=compare"))
    assert f"{own.name} is not a baseline" in line and "delete it" in line


def test_a_baseline_of_an_earlier_version_is_refused_with_what_to_do(prepared):
    own = baselines.check(prepared("baseline=save")).path
    own.parent.mkdir()
    text = '{"schema": 1, "key": {"grouping.name": "sequential"}, "runs": []}'
    (own.parent / "older.json").write_text(text)
    line = refused(prepared("baseline=compare"))
    assert "earlier version of clipbench (1)" in line and "delete them, and save" in line
    own.write_text(text)
    assert "delete it, and save anew" in refused(prepared("baseline=compare"))
