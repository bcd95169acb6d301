"""The executor that docs/adding-an-executor.md builds keeps the contract of the others."""

from __future__ import annotations

import re
import sys

import pytest
import yaml

from clipbench import executors
from clipbench.bench.planning.config import ExecutorConfig
from tests.contract import test_executors as contract
from tests.e2e.test_command_line import PROJECT
from tests.support.fakes import use_fakes

PAGE = (PROJECT / "docs" / "adding-an-executor.md").read_text()
NAME, CODE = re.search(r"`executors/(\w+)\.py`:\n\n```python\n(.*?)```", PAGE, re.S).groups()


@pytest.fixture(autouse=True)
def documented(tmp_path, monkeypatch):
    """The executors as they are with the page's file beside them."""
    use_fakes(monkeypatch)
    (tmp_path / f"{NAME}.py").write_text(CODE)
    monkeypatch.setattr(executors, "__path__", [*executors.__path__, str(tmp_path)])
    yield
    sys.modules.pop(f"clipbench.executors.{NAME}", None)


def test_it_is_found_and_short():
    assert NAME in executors.names()
    assert len(CODE.splitlines()) < 100


def test_its_configuration():
    conf = re.search(rf"`conf/executor/{NAME}\.yaml`:\n\n```yaml\n(.*?)```", PAGE, re.S)[1]
    assert ExecutorConfig(**yaml.safe_load(conf)).name == NAME


@pytest.mark.parametrize(
    "promise",
    [
        contract.test_the_contract,
        contract.test_cleanup_and_waking,
        contract.test_several_clips_in_flight_do_not_mix,
        contract.test_close_may_come_at_any_point,
        contract.test_a_worker_killed_from_outside_is_replaced,
        contract.test_workers_work_at_the_same_time,
    ],
    ids=lambda promise: promise.__name__,
)
def test_it_keeps_the_contract(promise):
    promise(NAME)


@pytest.mark.parametrize(
    "kind", ["exit", "hang", "no_load", "no_start", "oom", "raise", "segfault", "sigkill"]
)
def test_a_fault_costs_only_one_analyzer(kind):
    assert kind in executors.strategy(NAME).contains
    contract.test_a_fault_costs_only_the_analyzer_that_it_strikes(NAME, kind)
