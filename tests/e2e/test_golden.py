"""Golden files: recorded results, of which the reports keep their figures; test_whole_run.py does the rest.

`python -m tests.e2e.test_golden` records the files in tests/golden anew. Do that only where a change of the
schema or of a figure is intended, and say so in CHANGELOG.md.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import PROJECT

GOLDEN = Path(__file__).resolve().parent / "golden"

#: Name of a recorded run → its command line.
RUNS = {
    "whole": ("grouping=two_core", "executor=gpu_pinned", "scenario.repeats=5"),
    "faulty": (
        "grouping=two_core",
        "executor=gpu_pinned",
        "scenario.repeats=1",
        "only=[color_analysis,cut_analysis,audio_analysis,speech_flow]",
        "faults=segfault",
    ),
}
#: Keys below which any key may appear, since they are data: names of packages, workers, facts, settings.
OPEN = {"packages", "pids", "workers", "facts", "settings", "rss_bytes_by_process", "weights", "profiles"}


def shape(value: Any, at: str = "") -> dict[str, list[str]]:
    """Path of each key → the types found there; the elements of a list share one path, ending in []."""
    inner: list[tuple[str, Any]] = []
    key = at.rpartition(".")[2]
    if isinstance(value, dict) and key == "processes":  # by process id
        inner = [(f"{at}{{}}", each) for each in value.values()]
    elif isinstance(value, dict) and key not in OPEN:
        inner = [(f"{at}.{name}", each) for name, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{at}[]", each) for each in value]
    kind = "number" if type(value) in (int, float) else type(value).__name__
    found = {at: {kind}} if at else {}
    for path, each in inner:
        for deeper, kinds in shape(each, path).items():
            found.setdefault(deeper, set()).update(kinds)
    return {path: sorted(kinds) for path, kinds in found.items()}


def findings(result: dict[str, Any]) -> dict[str, Any]:
    """What of a result does not depend on the machine or its speed."""
    timed = ("rtf", "efficiency", "rss", "ready", "throughput", "energy", "gpu", "sm_", "vlm")
    return {
        "analyzers": {
            name: {key: one[key] for key in ("status", "segments", "headline", "quality", "model")}
            for name, one in result["analyzers"].items()
        },
        "targets": {
            one["metric"]: [one["op"], one["limit"], one["observed"], one["status"]]
            for one in result["targets"]
            if not one["metric"].startswith(timed)
        },
        "metrics": {
            one["metric"] if "metric" in one else one["name"]: one["unit"] for one in result["metrics"]
        },
    }


def figures(text: str) -> list[str]:
    """The numbers in a text, in their order."""
    return re.findall(r"\d+(?:[.,:]\d+)*", text)


def reports(path: Path) -> dict[str, list[str]]:
    """Report → its figures, made from a recorded result."""
    from rich.console import Console

    from clipbench.bench.runs import storage
    from clipbench.reports.run import console, html, junit, markdown, trace

    result = storage.read_result(path)
    printed = io.StringIO()
    console.show(result, Console(file=printed, width=160))
    with tempfile.TemporaryDirectory() as folder:
        trace.write(result, Path(folder) / "trace.json")
        events = json.loads((Path(folder) / "trace.json").read_text())
        junit.write(result, Path(folder))
        cases = (Path(folder) / "junit.xml").read_text()
    page = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", html.render(result), flags=re.S)
    return {
        "console": figures(printed.getvalue()),
        "markdown": figures(markdown.render(result)),
        "html": figures(re.sub(r"<[^>]*>", " ", page)),
        "junit": figures(cases),
        "trace": [str(len(events["traceEvents"] if isinstance(events, dict) else events))],
    }


def comparison(paths: list[str]) -> list[str]:
    """The figures of a comparison of recorded results."""
    from clipbench.bench.comparing import comparison as comparing
    from clipbench.reports.comparison import markdown as comparison_markdown

    sides = comparing.load(paths)
    return figures(comparison_markdown.render(comparing.compare(sides, allow_mismatch=True)))


def start(name: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """One of RUNS, with `more` overrides, into `folder`."""
    command = [sys.executable, "run.py", *RUNS[name], *more, "progress=false", f"hydra.run.dir={folder}"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)


def recorded(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text())


def changes(before: dict[str, list[str]], now: dict[str, list[str]]) -> list[str]:
    """What is gone or has another type: keys may be added, not renamed or retyped. Any may be null."""
    lines = []
    for path, kinds in before.items():
        old, new = set(kinds) - {"NoneType"}, set(now.get(path, [])) - {"NoneType"}
        if path not in now and not path.endswith("[]"):
            lines.append(f"{path} is gone")
        elif old and not new <= old:
            lines.append(f"{path} was {sorted(old)}, is {sorted(new)}")
    return lines


@pytest.mark.parametrize("name", RUNS)
def test_the_reports_show_the_same_figures(name):
    found = reports(GOLDEN / f"{name}.result.json")
    expected = recorded(f"{name}.figures.json")
    for kind in expected:
        assert found[kind] == expected[kind], kind


def test_a_comparison_shows_the_same_figures():
    paths = [f"{name}={GOLDEN / name}.result.json" for name in RUNS]
    assert comparison(paths) == recorded("comparison.figures.json")


def write(name: str, value: Any) -> None:
    if isinstance(value, dict) and not name.endswith("result.json"):  # a line a key
        lines = (
            f"{json.dumps(key)}: {json.dumps(inner, ensure_ascii=False)}" for key, inner in value.items()
        )
        text = "{\n" + ",\n".join(lines) + "\n}"
    else:
        text = json.dumps(value, ensure_ascii=False)
    (GOLDEN / name).write_text(text + "\n")


def main() -> None:
    """Record everything anew; with an argument only what is derived from the recorded results."""
    for name in RUNS:
        if len(sys.argv) == 1:
            with tempfile.TemporaryDirectory() as folder:
                start(name, Path(folder)).check_returncode()
                result = json.loads((Path(folder) / "result.json").read_text())
            result["run"]["command"] = f"python run.py {' '.join(RUNS[name])}"
            write(f"{name}.result.json", result)
        result = recorded(f"{name}.result.json")
        write(f"{name}.shape.json", shape(result))
        write(f"{name}.findings.json", findings(result))
        write(f"{name}.figures.json", reports(GOLDEN / f"{name}.result.json"))
    write("comparison.figures.json", comparison([f"{name}={GOLDEN / name}.result.json" for name in RUNS]))


if __name__ == "__main__":
    main()
