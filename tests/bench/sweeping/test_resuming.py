"""Sweeps that are resumed: what is not taken again, and what is refused with the differences."""

from __future__ import annotations

import json

import pytest

from clipbench.bench.comparing import candidates
from clipbench.bench.errors import InputError
from clipbench.bench.sweeping import identity
from clipbench.bench.sweeping.folder_lock import locked
from clipbench.bench.sweeping.sweep import Sweep
from tests.support.sweeps import Notes, a_sweep


def test_finished_turns_are_not_taken_again(tmp_path, child):
    a_sweep(tmp_path / "s", "well", "die").run(Notes())
    taken = child()
    a_sweep(tmp_path / "s", "well", "die").run(notes := Notes())
    assert child() == taken and notes.begun == []
    (tmp_path / "s" / "A" / "2").rename(tmp_path / "thrown_away")
    a_sweep(tmp_path / "s", "well", "die").run(Notes())
    assert child() == [*taken, "A 2 1"]


def test_another_sweep_in_the_folder_is_refused_with_what_differs(tmp_path, child):
    a_sweep(tmp_path / "s", "well").run(Notes())
    taken = child()
    code = {"run.py": "2", "new.py": "3"}
    other = a_sweep(tmp_path / "s", "well", "well", code=code, order="shuffled", key={"seed": 1})
    with pytest.raises(InputError, match="another sweep") as refused:
        other.run(Notes())
    for word in (
        "order: fixed → shuffled",
        "code.run.py: 1 → 2",
        "code.new.py: null → 3",
        "B is new",
        "A: seed: 0 → 1",
    ):
        assert word in str(refused.value)
    assert child() == taken


def test_memory_may_differ_as_much_as_a_kernel_keeps(tmp_path, child):
    def of(memory: float) -> Sweep:
        return a_sweep(tmp_path / "s", "well", key={"machine.memory_gb": memory})

    of(25.3).run(Notes())
    of(25.4).run(Notes())
    with pytest.raises(InputError, match=r"machine.memory_gb: 25.4 → 50.6"):
        of(50.6).run(Notes())


def test_code_that_changes_meanwhile_ends_the_sweep(tmp_path, child, monkeypatch):
    class Editor(Notes):
        def ended(self, turn):
            monkeypatch.setattr(identity, "code", lambda: {"run.py": "2"})

    with pytest.raises(InputError, match=r"code has changed .*code\.run\.py: 1 → 2.*hydra\.sweep\.dir="):
        a_sweep(tmp_path / "s", "well").run(Editor())
    monkeypatch.setattr(identity, "code", lambda: {"run.py": "1"})
    a_sweep(tmp_path / "s", "well").run(Notes())
    assert child() == ["A 1 1", "A 2 1", "A 3 1"]


def test_many_differences_are_not_all_listed(tmp_path, child):
    a_sweep(tmp_path / "s", "well", key=dict.fromkeys("abcdefghij", 1)).run(Notes())
    with pytest.raises(InputError, match="and 4 more"):
        a_sweep(tmp_path / "s", "well", key=dict.fromkeys("abcdefghij", "x" * 50)).run(Notes())


def test_a_setting_with_no_bearing_on_the_times_makes_another_sweep_too(tmp_path, child):
    a_sweep(tmp_path / "s", "well", "well", settings={"gate": {"mode": "report"}}).run(Notes())
    with pytest.raises(InputError, match=r"different are gate\.mode: report → enforce\. Start anew"):
        a_sweep(tmp_path / "s", "well", "well", settings={"gate": {"mode": "enforce"}}).run(Notes())


def test_a_sweep_of_an_earlier_version_is_compared_but_not_resumed(tmp_path, child):
    a_sweep(tmp_path / "s", "well", "well").run(Notes())
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    older = {**state, "schema": 1, "identity": {"jobs": {}, "clips": {}, "code": {}, "machine": {}}}
    (tmp_path / "s" / "sweep.json").write_text(json.dumps(older))
    assert [len(one.runs) for one in candidates.load([tmp_path / "s"])] == [3, 3]
    with pytest.raises(InputError, match=r"earlier version of clipbench.*Start anew in another folder"):
        a_sweep(tmp_path / "s", "well", "well").run(Notes())


def test_a_folder_with_something_else_and_one_in_use_are_refused(tmp_path, child):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="is not empty and holds no sweep"):
        a_sweep(tmp_path, "well").run(Notes())
    with locked(tmp_path / "s"), pytest.raises(InputError, match="another process is at the sweep"):
        a_sweep(tmp_path / "s", "well").run(Notes())
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "sweep.json").write_text("{")
    with pytest.raises(InputError, match="is not the state of a sweep"):
        a_sweep(tmp_path / "t", "well").run(Notes())
    with pytest.raises(InputError, match="cannot be written to"):
        a_sweep(tmp_path / "thesis.tex" / "s", "well").run(Notes())
    assert child() == []
