"""Make the environment of the checkout: `.venv` with clipbench, its libraries and its development tools.

    python3 tools/set_up.py

`make` calls it. It runs under any Python 3, so that one which is too old is refused in one line. A `.venv`
that an earlier call did not finish is made again.
"""

import os
import re
import shutil
import subprocess
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
#: A file in `.venv` while it is incomplete, and one when it is complete.
UNFINISHED, READY = ".unfinished", ".ready"


def refusal(version):
    """Why a Python of this version, a tuple of numbers, cannot run clipbench, or ""."""
    with open(os.path.join(PROJECT, "pyproject.toml"), encoding="utf-8") as file:
        low, high = re.search(
            r'^requires-python = ">=(3\.\d+),<(3\.\d+)"', file.read(), re.MULTILINE
        ).groups()
    if number(low) <= tuple(version[:2]) < number(high):
        return ""
    this = ".".join(str(part) for part in version[:3])
    return (
        f"clipbench requires Python {low} or newer, before {high}; {sys.executable} is {this}."
        f" Name another one: make run PYTHON=python{low}"
    )


def number(version):
    """ "3.11" as (3, 11)."""
    return tuple(int(part) for part in version.split("."))


def make_environment(folder):
    """Make the virtual environment in `folder`, or keep one that is there and usable; returns its Python.

    Until `finish` is called the environment counts as unfinished.
    """
    python = os.path.join(folder, "bin", "python")
    if os.path.lexists(folder) and (os.path.exists(os.path.join(folder, UNFINISHED)) or not usable(python)):
        print(f"{folder} is incomplete and is made again", flush=True)
        if os.path.islink(folder):
            os.unlink(folder)
        else:
            shutil.rmtree(folder)
    os.makedirs(folder, exist_ok=True)
    if os.path.exists(os.path.join(folder, READY)):
        os.remove(os.path.join(folder, READY))
    open(os.path.join(folder, UNFINISHED), "w").close()
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return python


def usable(python):
    """Whether this Python starts, has pip, and is of a version that clipbench runs under."""
    ask = "import sys, pip; print(*sys.version_info[:3])"
    try:
        done = subprocess.run([python, "-c", ask], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return done.returncode == 0 and not refusal([int(part) for part in done.stdout.split()])


def install(python):
    """Install clipbench and all that it needs. The second step is without what its packages require."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", "constraints.txt", "--editable", ".[dev]"], cwd=PROJECT, check=True)
    subprocess.run([*pip, "--no-deps", "--requirement", "requirements-nodeps.txt"], cwd=PROJECT, check=True)


def finish(folder):
    """Mark the environment as complete."""
    os.replace(os.path.join(folder, UNFINISHED), os.path.join(folder, READY))


def main():
    """Set up; returns the exit code."""
    reason = refusal(sys.version_info)
    if reason:
        print(reason, file=sys.stderr)
        return 2
    folder = os.path.join(PROJECT, ".venv")
    try:
        python = make_environment(folder)
        print("installing into .venv (about 3.3 GB; two minutes on a fast network)", flush=True)
        install(python)
    except subprocess.CalledProcessError as error:
        print(f"the set-up failed (exit code {error.returncode}); the next one starts anew", file=sys.stderr)
        return 2
    finish(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
