"""python -m tests.support.forked_runs: `python run.py` with many lists of arguments, started once.

It reads the lists as JSON and writes the exit code, stdout and stderr of each. Every run is a process of its
own, forked after the imports, which take most of the time of a command line that is refused.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from subprocess import CompletedProcess


def forked(arguments: list[str]) -> CompletedProcess:
    """One run, in a child process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code = 1
            try:
                code = as_the_command(arguments)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return CompletedProcess(["run.py", *arguments], code, *texts)


def as_the_command(arguments: list[str]) -> int:
    """What `python run.py` does; returns its exit code."""
    import traceback

    from clipbench.commands.run import main

    sys.argv = ["run.py", *arguments]
    try:
        return main()
    except BaseException:
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    import hydra.compose  # noqa: F401

    import clipbench.commands.measure  # noqa: F401

    done = [forked(arguments) for arguments in json.load(sys.stdin)]
    json.dump([[each.returncode, each.stdout, each.stderr] for each in done], sys.stdout)
