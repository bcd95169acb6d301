"""What building a wheel does beyond pyproject.toml: it starts from nothing, and notes the commit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = Path(__file__).resolve().parent


class BuildPackage(build_py):
    """Copies the package into the build folder."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        # An earlier build's files stay in it, also those that the checkout no longer has.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        built_from = {"git_commit": git("rev-parse", "HEAD"), "git_dirty": bool(git("status", "--porcelain"))}
        if built_from["git_commit"]:
            path = Path(self.build_lib, "clipbench", "built_from.json")
            path.write_text(json.dumps(built_from) + "\n", encoding="utf-8")


def git(*arguments: str) -> str:
    """What git says about this checkout; "" where it is none, whatever repository may be around it."""
    if not (PROJECT / ".git").exists():
        return ""
    try:
        return subprocess.check_output(["git", *arguments], cwd=PROJECT, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


setup(cmdclass={"build_py": BuildPackage})
