"""The table of what was predicted of a GPU, beside what was measured there."""

from __future__ import annotations

import re

import pytest
import yaml

from clipbench.bench.planning import cost_store
from clipbench.bench.probes import environment
from clipbench.bench.runs.results import GpuSummary
from clipbench.bench.sweeping.gpu_check_state import (
    CheckedAnalyzer,
    CheckedMetric,
    CheckedRun,
    GpuCheck,
    write,
)
from studies import gpu_predictions
from studies.gpu_predictions import BEGIN, END, NOT_MEASURED, PAGE, SINGLE, phases, table

TEXT = PAGE.read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """Figure → what was predicted and what was measured."""
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"
    ]
    return {row[0]: row[1:] for row in cells[2:]}


def test_the_page_has_the_table_that_the_command_writes():
    written = TEXT.partition(BEGIN)[2].partition(END)[0].strip()
    assert {name: row[0] for name, row in rows(written).items()} == {
        name: row[0] for name, row in rows(table(TEXT, None)).items()
    }, "python -m studies.gpu_predictions --write"
    if written.startswith("No GPU check was made yet"):
        assert {row[1] for row in rows(written).values()} == {NOT_MEASURED}
    else:
        assert re.match(r"Measured by a GPU check of \d{4}-\d\d-\d\d on ", written)


def test_predictions_are_those_of_the_floors():
    found = rows(table(TEXT, None))
    assert found["qwen2_vl_temporal: Qwen2-VL decode, ms"][0] == next(
        f"{one.predicted_ms:.1f}" for one in phases(TEXT) if one.phase == "Qwen2-VL decode"
    )
    both = [one.predicted_ms for one in phases(TEXT) if one.analyzer == "text_overlay"]
    assert len(both) == 2 and found["text_overlay, ms"][0] == f"{sum(both):.1f}"
    groups = {one.group: 0.0 for one in phases(TEXT)}
    for one in phases(TEXT):
        groups[one.group] += one.predicted_ms
    low, high = map(float, found["RTF of the networks"][0].split(" to "))
    assert low == pytest.approx(max(groups.values()) / 1e4, abs=1e-3)
    assert high == pytest.approx(sum(groups.values()) / 1e4, abs=1e-3)


def test_the_declared_costs_are_the_page_s_floors():
    raw = yaml.safe_load((cost_store.DECLARED / "h100-sxm.yaml").read_text(encoding="utf-8"))["costs"]
    assert raw["source"] == "declared"
    floors: dict[str, float] = {}
    for one in phases(TEXT):
        if one.phase != "CLIP":
            floors[one.analyzer] = floors.get(one.analyzer, 0.0) + one.floor_ms
    for analyzer, floor_ms in floors.items():
        declared_s = raw["analyzers"][analyzer]["work"]["gpu"]["per_s"] * 10
        assert 1e3 * declared_s == pytest.approx(floor_ms, abs=0.02), (
            f"{analyzer}: python -m studies.declared_costs --write"
        )


def checked(**metrics: float) -> GpuCheck:
    """A check with one run, in which these metrics were measured."""
    run = CheckedRun(
        [],
        "pass",
        "",
        metrics={name: CheckedMetric(value, "", [value], "") for name, value in metrics.items()},
        analyzers={
            "qwen2_vl_temporal": CheckedAnalyzer(
                "ok", "gpu:0", [], 1.0, [0.5], {"prefill_s": 0.123, "decode_s": 0.25}, "", ""
            ),
            "body_pose": CheckedAnalyzer("ok", "gpu:0", [], 1.0, [0.02, 0.03, 0.01], {}, "", ""),
        },
    )
    found = GpuCheck(environment.describe(), 470.0, "2026-01-31T12:00:00+00:00", {SINGLE: run})
    found.environment.gpus = [GpuSummary(name="H100", memory_gb=80.0)]
    return found


def test_what_a_check_measured_is_beside_it_and_the_rest_stays_not_measured(tmp_path, capsys):
    write(checked(rtf_warm=0.25, gpu_memory_residue=0.0), tmp_path)
    assert gpu_predictions.main(["--check", str(tmp_path / "gpu-check.json")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Measured by a GPU check of 2026-01-31 on H100")
    found = {name: row[1] for name, row in rows(text).items()}
    assert found["qwen2_vl_temporal: Qwen2-VL prefill, ms"] == "123.0"
    assert found["body_pose, ms"] == "20.0"
    assert found["RTF of the networks"] == found["RTF, simulated by the floors"] == "0.250"
    assert found[f"GPU memory left, GB: {SINGLE}"] == "0.00"
    others = ("object_detection, ms", "throughput, simulated by the floors")
    assert {found[name] for name in others} == {NOT_MEASURED}
    assert found["GPU memory left, GB: optimized × threads, offload"] == NOT_MEASURED


def test_only_what_is_between_the_marks_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert gpu_predictions.with_table(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter"
    with pytest.raises(SystemExit):
        gpu_predictions.with_table("no marks", "new")
