"""export=csv and export=parquet: whole tables, typed columns, nulls with reasons, predictions marked."""

from __future__ import annotations

import math

import pytest

from clipbench.bench.runs.results import MetricValue, TargetResult
from clipbench.reports.export import filling, registry, tables
from clipbench.reports.export.exporter import Destination
from tests.support.exported_runs import measured, stored
from tests.support.report_results import HOSTILE, NAMES, hostile, interrupted

pandas = pytest.importorskip("pandas", reason="pandas is not installed (the extra tables)")
pytest.importorskip("pyarrow", reason="pyarrow is not installed (the extra tables)")

#: Table → how many rows a run of five repeats and a warm-up has, with twenty analyzers.
ROWS = {"runs": 1, "metrics": 23, "passes": 6, "analyzers": 20, "analyzer_passes": 120, "targets": 22}


def read(folder, kind):
    """All tables that were written to a folder."""
    reader = {"csv": pandas.read_csv, "parquet": pandas.read_parquet}[kind]
    return {name: reader(folder / f"{name}.{kind}") for name in ROWS}


@pytest.fixture(scope="module", params=["csv", "parquet"])
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    runs, told = stored(folder), []
    assert registry.export([request.param], runs, Destination(folder / "out"), told.append) == []
    assert told == [str(folder / "out" / f"{name}.{request.param}") for name in ROWS]
    assert sorted(p.name for p in (folder / "out").iterdir()) == sorted(f"{n}.{request.param}" for n in ROWS)
    return runs, read(folder / "out", request.param)


def test_there_is_a_row_for_everything_in_each_run(written):
    runs, found = written
    for name, count in ROWS.items():
        assert found[name].groupby("run").size().to_dict() == {one.id: count for one in runs}, name


def test_a_prediction_is_marked_in_every_row(written):
    runs, found = written
    for name, table in found.items():
        marks = table.groupby("run")["predicted"].unique()
        assert {run: list(each) for run, each in marks.items()} == {
            runs[0].id: [False],
            runs[1].id: [True],
        }, name
    like = found["runs"].set_index("run")
    assert like.loc[runs[1].id, ["executor", "like", "machine"]].to_list() == [
        "simulated",
        "gpu_pinned",
        "h100",
    ]
    assert like.loc[runs[0].id, ["like", "machine"]].isna().all()


def test_what_was_not_measured_is_null_with_its_reason(written):
    _, found = written
    row = found["runs"].iloc[0]
    assert math.isnan(row["gpu_utilization_percent"])
    assert row["gpu_utilization_reason"] == "no worker of this run was on a GPU"
    assert row["success_rate_percent"] == 100
    metric = found["metrics"].set_index("metric").loc["gpu_utilization"].iloc[0]
    assert math.isnan(metric["value"]) and metric["reason"] == "no worker of this run was on a GPU"
    target = found["targets"].set_index("metric").loc["gpu_utilization"].iloc[0]
    assert math.isnan(target["value"]) and target["reason"] == "no GPU"
    assert (target["status"], target["low"], target["high"], target["unit"]) == ("not_measured", 85, 95, "%")


def test_an_analyzer_that_failed_in_a_pass_has_no_time_there(written):
    runs, found = written
    own = found["analyzer_passes"].query("not predicted")
    lost = own[(own.analyzer == NAMES[0]) & (own.number == 5)].iloc[0]
    assert math.isnan(lost["analyze_s"]) and lost["status"] == "crashed" and lost["reason"]
    for name, analyzer in runs[0].result.analyzers.items():
        timed = own[(own.analyzer == name) & ~own.warmup & own.analyze_s.notna()]
        assert timed.analyze_s.to_list() == pytest.approx(analyzer.analyze_s), name
    about = found["analyzers"].query("not predicted").set_index("analyzer")
    assert (about.loc[NAMES[0], "status"], about.loc[NAMES[0], "passes"]) == ("crashed", 4)
    assert about.loc[NAMES[1], "stand_in"] == "a model"
    figure = found["metrics"].query("not predicted").set_index("metric")
    assert figure.loc[f"quality.{NAMES[1]}.f1", ["analyzer", "stand_in"]].to_list() == [NAMES[1], "a model"]


def test_what_a_simulated_analyzer_would_find_is_null(written):
    _, found = written
    own = found["analyzers"].query("predicted")
    assert own["segments"].isna().all() and len(own) == 20


def test_a_pass_that_was_interrupted_has_no_end(tmp_path):
    result = measured()
    result.run.passes[-1].end_s = 0.0
    row = filling.pass_rows(*stored(tmp_path, result))[-1]
    assert row.end_s is None and row.wall_s is None and row.reason
    assert filling.tables(stored(tmp_path, interrupted()))[2].rows == []


def test_columns_have_the_same_types_whatever_is_in_them(tmp_path):
    empty = interrupted()
    empty.metrics, empty.targets = empty.metrics[:1], []
    tables_of = [filling.tables(stored(tmp_path, result)) for result in (measured(), empty)]
    for full, few in zip(*tables_of, strict=True):
        types, others = (tables.frame(each).dtypes.astype(str).to_dict() for each in (full, few))
        assert {name: types[name] for name in others} == others, full.name


@pytest.mark.parametrize(
    ("op", "limit", "ends"),
    [("<", 3.0, (None, 3.0)), (">=", 0.5, (0.5, None)), ("between", [85.0, 95.0], (85.0, 95.0))],
)
def test_the_ends_of_a_target(op, limit, ends):
    assert filling.ends(TargetResult("m", op, limit, 1.0, "", "pass")) == ends


@pytest.mark.parametrize(
    ("name", "unit", "column"),
    [
        ("rss_peak", "GB", "rss_peak_gb"),
        ("ready_again_s", "s", "ready_again_s"),
        ("rtf_warm", "", "rtf_warm"),
    ],
)
def test_a_column_ends_in_its_unit(name, unit, column):
    assert filling.column(name, unit) == column


def test_any_text_can_be_written_and_read(tmp_path):
    (run,) = stored(tmp_path, hostile(measured()))
    run.result.metrics.append(MetricValue("of_a_plugin", 1.0, "furlong", "higher"))
    run.result.run.grouping = HOSTILE  # as it was before it was stored
    for kind in ("csv", "parquet"):
        assert registry.export([kind], [run], Destination(tmp_path), print) == []
        assert read(tmp_path, kind)["runs"]["of_a_plugin_furlong"].to_list() == [1.0]
