"""docs/exporting.md: every command does as the page says."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex

import pytest
import yaml

from clipbench.bench.planning import exports
from tests.docs.test_commands import lines_of
from tests.support.command_line import PROJECT, run_forked
from tests.support.declared_costs import write_costs
from tests.support.exported_runs import stored
from tests.support.mlflow_server import COMMAND, IS_INSTALLED, NOT_INSTALLED, serving
from tests.support.otlp_server import receiving

PATH = PROJECT / "docs" / "exporting.md"
PAGE = PATH.read_text(encoding="utf-8")
LINES = [line for line in lines_of(PATH) if line.startswith("python ")]
#: A run that takes next to nothing, since it is simulated; the page's words are beside these.
LITTLE = ("only=[color_analysis]", "executor=simulated", "progress=false")


def names_in(line: str) -> list[str]:
    """The exports that a command names."""
    return re.search(r"(?:export=|export\.to=|--to )(\S+)", line)[1].split(",")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as uri:
        yield uri


@pytest.fixture
def collector():
    with receiving() as received:
        yield received


@pytest.fixture
def folder(tmp_path):
    """A folder with two runs in outputs/, and outputs/latest."""
    runs = stored(tmp_path / "outputs")
    (tmp_path / "outputs" / "latest").symlink_to(runs[0].folder.name)
    return tmp_path


def test_the_page_has_every_export():
    assert {name for line in LINES for name in names_in(line)} == exports.EXPORTS.keys()
    assert len(LINES) == 11 and COMMAND in PAGE


@pytest.mark.parametrize("line", LINES)
def test_a_command_does_as_the_page_says(line, folder, request):
    names = names_in(line)
    lacking = [module for name in names for module in exports.EXPORTS[name].lacking()]
    if lacking or ("mlflow" in names and not IS_INSTALLED):
        pytest.skip(f"not installed: {', '.join(lacking) or NOT_INSTALLED}")
    if "mlflow" in names:
        line = line.replace("http://127.0.0.1:5000", request.getfixturevalue("server"))
    collector = request.getfixturevalue("collector") if "opentelemetry" in names else None
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint} if collector else {}
    _, file, *words = shlex.split(line)
    if file == "run.py":
        costs = write_costs(folder / "costs.json", "color_analysis")
        words += [*LITTLE, f"costs.file={costs}", f"hydra.run.dir={folder / 'outputs' / 'new'}"]
    variables["MLFLOW_DISABLE_TELEMETRY"] = "true"
    done = run_forked(*words, command=file.removesuffix(".py"), cwd=folder, **variables)
    assert done.returncode == 0, done.stderr
    place = folder / "outputs" / ("new/export" if file == "run.py" else "export")
    place = folder / words[words.index("--output") + 1] if "--output" in words else place
    for name in names:
        expected = {"csv": "runs.csv", "parquet": "runs.parquet", "openmetrics": "metrics.txt"}.get(name)
        if expected:
            assert str(place / expected).removeprefix(f"{folder}/") in done.stdout
            assert (place / expected).stat().st_size > 100
        elif name == "opentelemetry":
            assert f"OpenTelemetry at {collector.endpoint}" in done.stdout and collector.spans()
        else:
            assert "of MLflow, experiment" in done.stdout and "failed" not in done.stderr


def test_the_example_for_ci_names_the_file_that_the_run_writes():
    job = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.S)[1])["bench"]
    run_folder = re.search(r"hydra\.run\.dir=(\S+)", job["script"])[1]
    assert job["artifacts"]["reports"]["metrics"] == f"{run_folder}/export/metrics.txt"
    assert "export=openmetrics" in job["script"]


def test_the_columns_that_the_page_names_exist(tmp_path):
    from clipbench.reports.export import filling

    tables = {table.name: table.columns for table in filling.tables(stored(tmp_path))}
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", PAGE, re.M))
    assert rows.keys() >= tables.keys()
    for name, columns in tables.items():
        if name != "runs":
            named = re.findall(r"`([a-z_]+)`", rows[name])
            assert named and set(named) <= columns.keys(), name


def test_the_extras_are_in_the_package():
    import tomllib

    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra in exports.EXPORTS.values():
        if extra.name:
            assert extras[extra.name] and f"clipbench[{extra.name}]" in PAGE
    assert os.path.exists(PROJECT / "export.py") and importlib.util.find_spec("clipbench.commands.export")
