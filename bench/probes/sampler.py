"""Sampling of CPU, memory and GPUs while a run goes on, in a process of its own whose cost is known."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator

from clipbench.bench import invocation
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.serialization import from_json
from clipbench.bench.runs.telemetry import Telemetry
from clipbench.executors import machine_limits
from clipbench.executors.held_signals import held

log = logging.getLogger(__name__)

INTERVAL_S = 0.2
#: Seconds until the first sample: a driver that is not kept loaded takes long to answer.
START_TIMEOUT_S = 20.0
MARK_TIMEOUT_S = 5.0
#: Seconds for the end: a whole run must end within 5 s of being interrupted.
END_TIMEOUT_S = 4.0
#: Seconds after a signal in which a run has stopped measuring, on the busiest machine; else it is killed.
SIGNAL_GRACE_S = 60.0


class Sampler:
    """A context in which the process `pid` and its descendants are sampled every `interval_s` seconds.

    It is entered once the first sample of the GPUs has been taken, so that what is started inside can be told
    from what was there before. It has a session of its own: Ctrl-C does not reach it, and an interrupted run
    keeps its telemetry. Nothing here raises: a sampler that fails leaves a reason.
    """

    def __init__(self, pid: int, interval_s: float = INTERVAL_S) -> None:
        self.pid, self.interval_s = pid, interval_s
        #: After the context: what was sampled, or why it was not. Times are on CLOCK_MONOTONIC.
        self.telemetry: Telemetry | NotMeasured = NotMeasured("the sampler was not run")
        self._process: subprocess.Popen[bytes] | None = None
        self._alarm: int | None = None
        self._before: int | None = None

    def __enter__(self) -> Sampler:
        module = "clipbench.bench.probes.sampler_process"
        try:
            heard, self._alarm = os.pipe()
            os.set_blocking(self._alarm, False)
            words = (str(self.pid), str(self.interval_s), str(heard), str(SIGNAL_GRACE_S))
            with held(), closing_descriptor(heard):
                self._process = subprocess.Popen(
                    invocation.python(module, *words),
                    pass_fds=(heard,),
                    env=invocation.environment(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
        except OSError as error:
            if machine_limits.explain(error):
                raise
            self.telemetry = NotMeasured(f"the sampler could not be started: {error}")
            log.warning("the sampler could not be started: %s", error)
        else:
            self._watch_signals()
            await_line(self._process, START_TIMEOUT_S)
        return self

    def _watch_signals(self) -> None:
        """Have the sampler hear of signals: one that spins in a library hears of none."""
        if self._alarm is not None and threading.current_thread() is threading.main_thread():
            self._before = signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)

    def _leave_signals(self) -> None:
        if self._before is not None:
            signal.set_wakeup_fd(self._before)
        if self._alarm is not None:
            os.close(self._alarm)
        self._before = self._alarm = None

    def mark(self, label: str) -> None:
        """Sample everything now, and keep it in the telemetry's `marks` under `label`, one unique line."""
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(f"{label}\n".encode())
            self._process.stdin.flush()
        except OSError as error:  # the sampler has ended; leaving the context says why
            log.warning("the sampler did not take the mark %s: %s", label, error)
            return
        await_line(self._process, MARK_TIMEOUT_S)

    def __exit__(self, *_: object) -> None:
        self._leave_signals()
        if self._process is None:
            return
        out = err = b""
        try:
            out, err = self._process.communicate(timeout=END_TIMEOUT_S)
            self.telemetry = from_json(Telemetry, json.loads(out.splitlines()[-1]))
        except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # a driver may keep it even from that
                self._process.communicate(timeout=END_TIMEOUT_S)
            said = err.decode(errors="replace")[-200:].strip() or "no answer"
            self.telemetry = NotMeasured(f"the sampler failed: {said}")
            log.warning("the sampler failed: %s: %s", type(error).__name__, said)


@contextlib.contextmanager
def closing_descriptor(descriptor: int) -> Iterator[None]:
    """A context after which a descriptor is closed here."""
    try:
        yield
    finally:
        os.close(descriptor)


def await_line(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """Wait for the next line of a process's output and drop it."""
    if process.stdout is not None and select.select([process.stdout], [], [], timeout_s)[0]:
        process.stdout.readline()
