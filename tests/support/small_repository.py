"""A repository of something that calls itself clipbench, each of whose commits does what its behaviour.json
says: for what checks commits out, runs them and compares them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipbench.bench.runs.serialization import to_json
from tests.support.stored_results import a_result

#: Its `python -m clipbench`: leaves a result whose analyzer `text` takes `factor` times as long.
MAIN = """
import json, os, pathlib, random, subprocess, sys, time
does = json.loads(pathlib.Path(__file__).with_name("behaviour.json").read_text())
said = dict(word.split("=", 1) for word in sys.argv[1:])
if "plan" in said:
    if does.get("refuses") in said:
        print(f"clipbench: there is no key {does['refuses']}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0)
folder = pathlib.Path(said["hydra.run.dir"].strip("'"))
kept = {name: os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "PYTHONPATH")}
line = {"job": folder.parent.name, "round": folder.name, "file": __file__, "python": sys.executable,
        "said": said, "cwd": os.getcwd(), "environment": kept}
with open(os.environ["JOURNAL"], "a") as journal:
    print(json.dumps(line), file=journal)
time.sleep(float(os.environ.get("TURN_S", 0)))
if does.get("fails"):
    sys.exit(f"clipbench: {does['fails']}")
if does.get("edits"):
    pathlib.Path(__file__).write_text("changed")
dice = random.Random(f"{folder.name} {does.get('seed')}")
text, cuts = (5 * dice.uniform(0.995, 1.005) for _ in range(2))
text *= does.get("factor", 1.0)
result = json.loads(os.environ["RESULT"])
result["run"] |= {"id": str(os.getpid()), "started_at": "2026-01-31T12:00:00+00:00"}
result["environment"]["git_commit"] = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
for metric in result["metrics"]:
    if metric["name"] == "rtf_warm":
        metric["value"], metric["samples"] = (text + cuts) / 10, [(text + cuts) / 10]
result["analyzers"]["text"]["analyze_s"], result["analyzers"]["cuts"]["analyze_s"] = [text], [cuts]
(folder / "result.json").write_text(json.dumps(result))
"""
#: Its tools/set_up.py: an environment is the Python that runs it, under a path of its own.
SET_UP = """
import os, pathlib, sys
if "broken" in pathlib.Path(__file__).parents[1].joinpath("constraints.txt").read_text():
    sys.exit("there is no such version")
folder = pathlib.Path(__file__).resolve().parents[1] / ".venv" / "bin"
folder.mkdir(parents=True)
(folder / "python").symlink_to(sys.executable)
(folder.parent / ".ready").touch()
"""
FILES = {
    "pyproject.toml": '[project]\nname = "clipbench"\ndependencies = ["numpy>=2"]\n',
    "constraints.txt": "numpy==2.4.6\n",
    "clipbench/__init__.py": "",
    "clipbench/__main__.py": MAIN,
    "clipbench/analyzers/__init__.py": "",
    "clipbench/behaviour.json": "{}",
    "hydra_plugins/clipbench.py": "",
    "tools/set_up.py": SET_UP,
    ".gitignore": "__pycache__/\n.venv\noutputs/\n",
}


@dataclass(frozen=True)
class SmallRepository:
    """A repository in a folder, with the branch `main`; `journal` is what its runs write to."""

    folder: Path
    journal: Path

    @classmethod
    def make(cls, folder: Path) -> SmallRepository:
        """One with a first commit."""
        made = cls(folder / "repository", folder / "journal")
        made.folder.mkdir()
        made.journal.touch()
        made.git("init", "--quiet", "--initial-branch=main")
        made.commit(**FILES)
        return made

    def git(self, *arguments: str) -> str:
        """What git prints."""
        who = {
            f"GIT_{one}_{what}": "t@example.org"
            for one in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files, by path, and commit them; returns the hash."""
        for path, text in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def behave(self, **does: Any) -> str:
        """Commit that runs do this; returns the hash."""
        return self.commit(**{"clipbench/behaviour.json": json.dumps(does)})

    def variables(self) -> dict[str, str]:
        """The environment variables that its runs need."""
        return {**os.environ, "RESULT": json.dumps(to_json(a_result([1.0]))), "JOURNAL": str(self.journal)}

    def turns(self) -> list[dict[str, Any]]:
        """What the runs were told, in their order."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def worktrees(self) -> int:
        """How many worktrees git knows, the repository's own included."""
        return len(self.git("worktree", "list").splitlines())
