"""Making the reports of one run with twenty repeats, and comparing fifty runs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from clipbench.bench.comparing import comparison
from clipbench.bench.measuring import session
from clipbench.bench.runs import storage
from clipbench.reports.comparison import files as comparison_report
from clipbench.reports.run import html, markdown
from tests.support import ideal_run


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    prepared = session.prepare(
        ideal_run.composed(f"clip.path={ideal_run.CLIP.path}"), tmp_path_factory.mktemp("run")
    )
    return ideal_run.result(prepared, ideal_run.record(prepared.plan, ideal_run.segments(), repeats=20))


def test_html(measure, result, tmp_path):
    measure(lambda: html.write(result, tmp_path))


def test_markdown(measure, result, tmp_path):
    measure(lambda: markdown.write(result, tmp_path))


def test_result_json(measure, result, tmp_path):
    def write_and_read() -> None:
        storage.read_result(storage.write_result(result, {}, tmp_path))

    measure(write_and_read)


def test_comparison_of_fifty_runs(measure, result, tmp_path):
    """Ten sides of five runs with twenty repeats: reading, comparing, writing the report."""
    dice = random.Random(0)
    for side in range(10):
        for number in range(5):
            jittered = [
                replace(m, samples=[x * dice.gauss(1, 0.03) for x in m.samples]) for m in result.metrics
            ]
            grouping = replace(result.run, id=f"{side}-{number}", grouping=f"grouping{side}")
            storage.write_result(
                replace(result, metrics=jittered, run=grouping), {}, tmp_path / f"{side}" / f"{number}"
            )

    def compare() -> None:
        sides = comparison.load(sorted(path for path in tmp_path.iterdir() if path.name.isdigit()))
        assert [len(side.runs) for side in sides] == [5] * 10
        comparison_report.write(comparison.compare(sides), tmp_path / "report")

    measure(compare, rounds=3)
