"""A git repository: what a word means in it, what a file of a commit says, and worktrees of commits."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import InputError, nearest

#: Variables that a hook of git is started with, by which git would look at another repository or index.
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


class GitFailed(Exception):
    """A command of git failed; the message is the last line that it said."""


@dataclass(frozen=True)
class Repository:
    """The repository that a checkout belongs to; `folder` is the checkout's."""

    folder: Path

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """What git prints, in the checkout or in another folder.

        Raises GitFailed where git refuses, and InputError where there is no git.
        """
        command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]  # a worktree of ours starts no hooks
        variables = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
        try:
            done = subprocess.run(
                command,
                cwd=at or self.folder,
                env=variables,
                capture_output=True,
                text=True,
                errors="replace",
            )
        except FileNotFoundError as error:
            raise InputError("--commits: it needs git, which is not installed here") from error
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise GitFailed(f"git {arguments[0]}: {said[-1].removeprefix('fatal: ')}")
        return done.stdout

    def resolve(self, word: str) -> str:
        """The hash of the commit that a branch, a tag, HEAD~1 … means; raises InputError if there is none."""
        try:
            return self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{word}^{{commit}}"
            ).strip()
        except GitFailed as error:
            hint = nearest(word, self.names()[:20])
            raise InputError(f"--commits: there is no commit {word} in {self.folder}{hint}") from error

    def names(self) -> list[str]:
        """The branches and tags, those with the newest commits first."""
        listed = self.git(
            "for-each-ref",
            "--sort=-creatordate",
            "--format=%(refname:short)",
            "refs/heads",
            "refs/tags",
            "refs/remotes",
        )
        return listed.split()

    def uncommitted(self, besides: Path) -> list[str]:
        """The files that differ from HEAD or are new, without ignored ones and those below `besides`."""
        left_out = []
        if besides.resolve().is_relative_to(self.folder.resolve()):
            left_out = [f":(exclude,top,literal){besides.resolve().relative_to(self.folder.resolve())}"]
        said = self.git("status", "--porcelain", "--untracked-files=all", "-z", "--", ":/", *left_out)
        return [line[3:] for line in said.split("\0") if line[2:3] == " "]

    def read(self, commit: str, path: str) -> str:
        """The text of a file in a commit; "" where the commit has no such file."""
        try:
            return self.git("show", f"{commit}:{path}")
        except GitFailed:
            return ""

    def check_out(self, commit: str, place: Path) -> None:
        """Make a worktree of a commit at `place`, or keep one that is there, unchanged and of that commit.

        Raises InputError where that fails.
        """
        if self.holds(commit, place):
            return
        self.remove_worktree(place)
        try:
            self.git("worktree", "add", "--quiet", "--force", "--detach", str(place.resolve()), commit)
        except GitFailed as error:
            raise InputError(f"--commits: {commit[:9]} could not be checked out ({error})") from error

    def holds(self, commit: str, place: Path) -> bool:
        """Whether there is a worktree of that commit at `place`, in which nothing was changed."""
        if not (place / ".git").is_file():
            return False
        try:
            return self.git("rev-parse", "HEAD", at=place).strip() == commit and not self.git(
                "status", "--porcelain", "--untracked-files=no", at=place
            )
        except GitFailed:
            return False

    def remove_worktree(self, place: Path) -> None:
        """Remove a worktree, whatever is in it, and git's knowledge of it."""
        if (place / ".git").is_file():
            with contextlib.suppress(GitFailed):  # then it is removed as a folder
                self.git("worktree", "remove", "--force", "--force", str(place.resolve()))
        shutil.rmtree(place, ignore_errors=True)
        with contextlib.suppress(GitFailed):
            self.git("worktree", "prune")

    def remove_folder(self, folder: Path) -> None:
        """Remove the folder that held worktrees, and git's knowledge of those that were in it."""
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(GitFailed):
            self.git("worktree", "prune")
