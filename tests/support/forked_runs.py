"""python -m tests.support.forked_runs: clipbench's commands many times over, with their imports done once.

Each line that it reads is a command as JSON, with its arguments, environment and folder; each line that it
writes has the exit code, stdout and stderr. Every command is a process of its own, forked after the imports
and a first composition of the configuration, which take more than half of the time of a short run. Only what
the imports themselves do, and how Hydra finds its plugins, is not tried anew.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence


def forked(command: str, arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> list:
    """One command, in a child process: its exit code, stdout and stderr."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(folder)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            begin(command, arguments)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return [code, *texts]


def begin(command: str, arguments: Sequence[str]) -> None:
    """What `python run.py`, or another of the files like it, does; this process ends with it."""
    import traceback

    from clipbench.commands import entry

    sys.argv = [f"{command}.py", *arguments]
    try:
        entry.begin(command)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def serve() -> None:
    """Carry out what comes, until nothing more does."""
    import hydra.compose  # noqa: F401
    import jinja2  # noqa: F401
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401

    import clipbench.commands.measure  # noqa: F401
    from clipbench.analyzers import registry
    from clipbench.bench.planning import config

    list(registry.modules_of(registry.PACKAGE))
    config.compose()  # Hydra finds its plugins and is told the schema, which a command's own plugins change
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    gc.freeze()  # what is there is there for good: no child has to look through it
    for line in requests:
        print(json.dumps(forked(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    serve()
