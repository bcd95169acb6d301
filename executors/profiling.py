"""A profiler around one analyzer's work: torch.profiler, or pyinstrument's statistical one.

A profiler slows down what it looks at, so a run with one attached is never a measurement. With the kind "",
nothing is attached or imported.
"""

from __future__ import annotations

import importlib.util
import re
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyinstrument.session import Session

#: Kind of profiler → the package that it requires.
KINDS = {"": "", "torch": "torch", "python": "pyinstrument"}
#: Where the profiles lie in a run's folder.
FOLDER = "profile"
#: Rows of the table of operators.
TOP = 40

# torch's profiler belongs to the process: with workers that are threads, one analyzer at a time has it.
_torch_profiler = threading.Lock()

# File without its ending → of the clip under way, all that was sampled, and the seconds of the longest step.
_sampled: dict[Path, Session] = {}
_longest_s: dict[Path, float] = {}


def profiler(
    kind: str, folder: Path, worker: str, analyzer: str, begins: bool = True
) -> AbstractContextManager[None]:
    """Profiles what runs in the context, in the calling thread, and writes it to `folder`/profile.

    `begins` says that it is an analyzer's first step on a clip, and not one that goes on with it.

    - "torch": operators on the CPU, and kernels where there is a GPU: `<worker>-<analyzer>.json` opens in
      Perfetto or chrome://tracing, `.txt` is the table of the operators that took longest. Networks under
      ONNX Runtime are no operators of torch: they do not appear. Of the steps on a clip, the one that took
      longest is kept.
    - "python": where the Python code spends its time, sampled every millisecond, in all steps on a clip:
      `.html` and `.txt`.
    - "": nothing.

    An exception raised inside is passed on as it is, after its profile was written; a folder that cannot be
    written to is a warning. The profile of a later clip replaces that of the earlier one, so that the last,
    warm one is kept. Raises ValueError for another kind, and ImportError if the package is
    missing (see `lacking`).
    """
    if not kind:
        return nullcontext()
    if kind not in KINDS:
        raise ValueError(f"there is no profiler {kind}; there are: {', '.join(filter(None, KINDS))}")
    name = re.sub(r"[^\w.-]+", "_", worker) + "-" + analyzer
    profile = profiled_by_torch if kind == "torch" else profiled_by_pyinstrument
    return profile(folder / FOLDER, name, begins)


@contextmanager
def profiled_by_torch(folder: Path, name: str, begins: bool) -> Iterator[None]:
    """The context of "torch"; writes `name`.json and `name`.txt, unless an earlier step took longer."""
    import torch
    from torch.profiler import ProfilerActivity, profile, record_function

    activities, order = [ProfilerActivity.CPU], "self_cpu_time_total"
    if torch.cuda.is_available():
        activities, order = [*activities, ProfilerActivity.CUDA], "self_device_time_total"

    def write(attached: profile) -> None:
        seconds = time.monotonic() - start_s
        if not begins and seconds < _longest_s.get(folder / name, 0.0):
            return
        _longest_s[folder / name] = seconds
        table = attached.key_averages().table(sort_by=order, row_limit=TOP, max_name_column_width=60)
        with tolerant(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text(table + "\n", encoding="utf-8")
            attached.export_chrome_trace(str(folder / f"{name}.json"))

    with _torch_profiler, profile(activities=activities, on_trace_ready=write), record_function(name):
        start_s = time.monotonic()
        yield


@contextmanager
def profiled_by_pyinstrument(folder: Path, name: str, begins: bool) -> Iterator[None]:
    """The context of "python"; writes `name`.html and `name`.txt, which have the steps before it too."""
    from pyinstrument import Profiler
    from pyinstrument.renderers import ConsoleRenderer, HTMLRenderer
    from pyinstrument.session import Session

    attached = Profiler(async_mode="disabled")
    attached.start()
    try:
        yield
    finally:
        session = attached.stop()
        if not begins and (before := _sampled.get(folder / name)):
            session = Session.combine(before, session)
        _sampled[folder / name] = session
        # Without the fonts: the page would fetch them, and tell their host who reads it.
        page = re.sub(
            r'https://fonts\.googleapis\.com[^"]*', "data:text/css,", HTMLRenderer().render(session)
        )
        with tolerant(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.html").write_text(page, encoding="utf-8")
            (folder / f"{name}.txt").write_text(
                ConsoleRenderer(unicode=True).render(session), encoding="utf-8"
            )


@contextmanager
def tolerant(folder: Path) -> Iterator[None]:
    """A context for writing into `folder`, in which an OSError is a warning and fails no analyzer."""
    try:
        yield
    except OSError as error:
        warnings.warn(f"the profile cannot be written to {folder}: {error.strerror}")


def lacking(kind: str) -> str:
    """The package that the profiler `kind` requires and that is not installed; "" if there is none."""
    package = KINDS[kind]
    return package if package and importlib.util.find_spec(package) is None else ""


def links(folder: Path) -> dict[str, list[str]]:
    """Analyzer → its profiles in the run's `folder`, as paths relative to it; empty where there are none."""
    found: dict[str, list[str]] = {}
    for path in sorted((folder / FOLDER).glob("*-*.*")):
        found.setdefault(path.stem.rpartition("-")[2], []).append(f"{FOLDER}/{path.name}")
    return found
