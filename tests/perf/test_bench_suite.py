"""The suite of `make bench`: its file compared with itself is no slower, and a slowed analyzer is."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import pytest

from clipbench.bench.errors import Exit
from tests.support.command_line import PROJECT

BENCH = (sys.executable, "-m", "pytest", "tests/perf/bench_analyzers.py", "-k", "color_analysis", "--quick")
COMPARE = (sys.executable, "-m", "tests.perf.compare")
#: Ten times what the analyzer takes: what else the machine is doing makes no difference.
SLOW = ("--slow", "color_analysis=1.5")


def run(*command) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(part) for part in command], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "before.json"
    done = run(*BENCH, f"--benchmark-json={path}")
    assert done.returncode == 0, done.stdout
    return path


def changed(saved, folder, **changes):
    """The same file with another name, and some of its numbers or facts changed."""
    content = json.loads(saved.read_text())
    for one in content["benchmarks"]:
        one["stats"] = {key: value * changes.get("times", 1) for key, value in one["stats"].items()
                        if isinstance(value, int | float)}  # fmt: skip
        one["extra_info"]["unit"] = changes.get("unit", one["extra_info"]["unit"])
        one["fullname"] = changes.get("fullname", one["fullname"])
    path = folder / "changed.json"
    path.write_text(json.dumps(content))
    return path


def test_times_are_kept_in_units_of_work_and_in_seconds(saved):
    (kept,) = json.loads(saved.read_text())["benchmarks"]
    seconds, units = kept["extra_info"]["seconds"], kept["extra_info"]["unit_s"]
    assert len(seconds) == 2 and len(units) == 3 and min(seconds + units) > 0
    for share, second, around in zip(kept["stats"]["data"], seconds, pairwise(units), strict=True):
        assert share == pytest.approx(2 * second / sum(around))
    assert kept["stats"]["min"] == min(kept["stats"]["data"])


def test_a_file_compared_with_itself_is_not_slower(saved):
    done = run(*COMPARE, saved, saved)
    assert done.returncode == Exit.OK, done.stderr
    assert "1.000" in done.stdout and "color_analysis" in done.stdout


def test_a_slowed_analyzer_is_slower_to_both_comparisons(saved, tmp_path):
    after = tmp_path / "after.json"
    fail = (f"--benchmark-compare={saved}", "--benchmark-compare-fail=median:25%")
    done = run(*BENCH, *SLOW, f"--benchmark-json={after}", *fail)
    assert done.returncode == 1 and "Performance has regressed" in done.stdout + done.stderr
    done = run(*COMPARE, saved, after)
    assert done.returncode == Exit.SLOWER
    assert "slower" in done.stdout


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"times": 1.2}, Exit.OK, "1.200"),
        ({"times": 1.3}, Exit.SLOWER, "slower"),
        ({"times": 0.1}, Exit.OK, "0.100"),
        ({"unit": 0}, Exit.BAD_INPUT, "two units of work"),
        ({"fullname": "another"}, Exit.NOTHING_VALID, "no benchmark is in both"),
    ],
)
def test_exit_codes_of_the_comparison(saved, tmp_path, changes, code, says):
    done = run(*COMPARE, saved, changed(saved, tmp_path, **changes))
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr


def test_what_is_no_file_of_the_suite_is_refused(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    for path in (tmp_path / "other.json", tmp_path / "absent.json"):
        done = run(*COMPARE, path, path)
        assert done.returncode == Exit.BAD_INPUT and "is no file of `make bench`" in done.stderr


def test_every_part_has_a_benchmark():
    from clipbench.analyzers import registry
    from clipbench.executors import registry as executors

    done = run(sys.executable, "-m", "pytest", *sorted((PROJECT / "tests/perf").glob("bench_*.py")), "--co")
    for name in [*registry.discover(), *executors.running(), "decode", "html", "markdown", "fifty_runs"]:
        assert name in done.stdout, name
