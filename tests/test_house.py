"""House rules that a machine can check: files for one sitting, functions that fit a screen."""

from __future__ import annotations

import ast
import subprocess

import pytest

from tests.support.command_line import PROJECT

MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 300, 60
#: A longer file gives its reason in its first lines, after these words.
REASON = "Longer than 300 lines"


def sources() -> list[str]:
    """The project's Python files, relative to its folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return [path for path in listed if (PROJECT / path).is_file()]


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="asks git for the files")
def test_files_can_be_read_at_one_sitting():
    too_long = []
    for path in sources():
        lines = (PROJECT / path).read_text(encoding="utf-8").splitlines()
        if len(lines) > MOST_LINES_OF_A_FILE and REASON not in "\n".join(lines[:15]):
            too_long.append(f"{path}: {len(lines)} lines")
    assert too_long == []


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="asks git for the files")
def test_functions_fit_a_screen():
    too_long = []
    for path in sources():
        for node in ast.walk(ast.parse((PROJECT / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    too_long.append(f"{path}, line {node.lineno}: {node.name} has {lines} lines")
    assert too_long == []
