"""The documentation's commands: each is accepted by the program that it names."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from clipbench.bench.planning.config import compose
from clipbench.bench.planning.list_arguments import with_lists
from clipbench.bench.sweeping.hydra_sweeper import expand
from tests.support.command_line import PROJECT

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
#: Words of commands that are not accepted in the checkout as it is, with the reason.
NEEDS_MORE = {
    "qr_codes": "the reader writes this analyzer; test_docs.py runs it",
    "standstill": "the reader writes this analyzer; test_docs.py runs it",
    "executor=command": "the reader writes this executor; test_executor_docs.py runs it",
    "glob(": "it needs the sweeper's own list of files; the tests of sweeping expand it",
    "plugins=": "the reader writes these files; the page's own test follows it",
    "loudness": "the reader writes this analyzer; test_your_pipeline.py runs it",
    "brightness": "the reader writes this analyzer; test_your_pipeline.py runs it",
}


def lines_of(page: Path) -> list[str]:
    """The lines of a page's code blocks that are commands, without the prose beside them."""
    blocks = re.findall(r"```\w*\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [re.split(r"\s{2,}|\s#", line)[0] for line in lines]


def commands(start: str) -> list[tuple[str, str]]:
    """(page, command) for every command that begins with the regular expression `start`."""
    return [(page.name, line) for page in PAGES for line in lines_of(page) if re.match(start, line)]


RUNS = commands(r"(python run\.py|clipbench)( (?!$)|$)")
MODULES = commands(r"python -m (clipbench|studies|tests|tools)\b")


def usable(line: str) -> bool:
    """Whether a command needs nothing that the reader has yet to write."""
    return not any(word in line for word in NEEDS_MORE)


@pytest.mark.parametrize(("page", "line"), [run for run in RUNS if usable(run[1])])
def test_a_run_is_accepted(page, line):
    words = shlex.split(line)[1 if line.startswith("clipbench") else 2 :]
    sweep = "-m" in words
    for flag in ("--cfg", "--package"):
        if flag in words:
            del words[words.index(flag) : words.index(flag) + 2]
    overrides = with_lists([word for word in words if not word.startswith("-")], sweep)
    assert all("=" in word for word in overrides), f"{page}: {line}: not an override"
    if sweep:
        for job, _ in expand(OverridesParser.create().parse_overrides(overrides)):
            compose(*(word for word in job if not word.startswith("hydra.")))
    else:
        compose(*(word for word in overrides if not word.startswith("hydra.")))


@pytest.mark.parametrize(("page", "line"), MODULES)
def test_a_module_exists_and_knows_its_flags(page, line):
    words = shlex.split(line.replace("[", " ").replace("]", " "))
    found = importlib.util.find_spec(words[2])
    assert found is not None and found.origin is not None, f"{page}: {line}: there is no such module"
    source = Path(found.origin).read_text(encoding="utf-8")
    own = itertools.takewhile(lambda word: word != "--", words[3:])  # what follows `--` is for run.py
    unknown = [word for word in own if word.startswith("--") and f'"{word}"' not in source]
    assert unknown == [], f"{page}: {line}"


def test_commands_were_found():
    assert len(RUNS) > 40 and len(MODULES) > 10
    assert any(not usable(line) for _, line in RUNS)
