"""Reports of costs: who takes most comes first, what is not known is a dash, and declared costs say so."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from clipbench.bench.planning import cost_store
from clipbench.bench.planning.cost_file import KeptCosts
from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Overheads, Work
from clipbench.reports.costs import console, files, rows


@pytest.fixture
def kept() -> KeptCosts:
    costs = Costs(
        machine="a machine",
        cores=2,
        source="measured",
        analyzers={
            "little": AnalyzerCost(Work(Growth(per_s=0.01)), ("faces front 0.6",), load_s=0.5),
            "much": AnalyzerCost(Work(Growth(per_s=0.1), parallel=0.5), ("faces front 0.6",), memory_gb=0.25),
        },
        derivations={"faces front 0.6": Work(Growth(per_s=0.02))},
        overheads={"threads": Overheads(0.1, 0.002, 0.001)},
        holdout=0.07,
        unknown={"pressure": "nothing ran side by side", "decoding.open_s": "it was open"},
    )
    return KeptCosts(costs, ["embedded"], "2026-01-31T12:00:00+00:00", "python plan.py costs", "a.mp4")


def printed(kept: KeptCosts) -> str:
    out = io.StringIO()
    console.show(kept, Console(file=out, width=180), [])
    return out.getvalue()


def test_who_takes_most_comes_first_and_what_is_shared_is_apart(kept):
    much, little = rows.analyzer_rows(kept.costs)
    assert (much.name, little.name) == ("much", "little")
    assert much.own_s == pytest.approx(6.0) and much.shared == {"faces": pytest.approx(1.2)}
    assert rows.derivation_rows(kept.costs) == [("faces front 0.6", pytest.approx(1.2), ["little", "much"])]


def test_the_terminal_has_all_of_it(kept):
    text = printed(kept)
    line = next(line for line in text.splitlines() if line.startswith("much"))
    assert line.split()[:7] == ["much", "7.20", "s", "6.00", "s", "1.20", "s"]
    assert "× 1.33" in line and "0.25 GB" in line and "–" in line
    assert "nothing ran side by side" in text and "7.0 %" in text
    opening = next(line for line in text.splitlines() if line.startswith("opening a clip"))
    assert opening.split()[-1] == "–"


def test_costs_of_a_busy_machine_say_so(kept):
    assert "1.3 cores" in printed(dataclasses.replace(kept, busy=True, other_cores=1.3))


def test_all_files_are_written_and_can_be_read_back(kept, tmp_path):
    paths = files.write(kept, tmp_path / "costs")
    assert [path.name for path in paths] == ["costs.html", "costs.md", "costs.png", "costs.json"]
    assert cost_store.read(paths[3]) == kept
    assert "| much | 7.20 s |" in paths[1].read_text()
    assert "declared" not in paths[0].read_text().lower().replace(".declared", "")


def test_declared_costs_are_marked_wherever_they_are_shown(kept, tmp_path):
    declared = dataclasses.replace(kept, costs=dataclasses.replace(kept.costs, source="declared"))
    html, markdown, _, _ = files.write(declared, tmp_path)
    for text in (html.read_text(), markdown.read_text(), printed(declared)):
        assert "DECLARED costs, not measured" in text


def test_names_from_outside_have_no_effect(kept, tmp_path):
    wild = "<b>|\x1b[31m"
    analyzers = {wild: kept.costs.analyzers["much"]}
    costs = dataclasses.replace(kept.costs, analyzers=analyzers, machine=wild)
    html, markdown, _, _ = files.write(dataclasses.replace(kept, costs=costs), tmp_path)
    assert "<b>" not in html.read_text() and "\x1b" not in html.read_text() + markdown.read_text()
