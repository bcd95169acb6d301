"""Child runs: what they are told, and what is shown of what they printed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from clipbench.bench.invocation import literal
from clipbench.bench.runs import child_run


def test_what_was_printed_is_shown_without_its_control_characters(tmp_path):
    (tmp_path / "log.txt").write_bytes(b"\x1b[31mfirst\nclipbench: \x1b[2Jred\xff \x07\nTraceback\n")
    assert child_run.last_line(tmp_path / "log.txt") == "[2Jred\ufffd "
    (tmp_path / "log.txt").write_text("\n\n")
    assert child_run.last_line(tmp_path / "log.txt") == "it said nothing"


def test_any_folder_s_name_reaches_the_child(tmp_path):
    for name in ("plain", "two words", "it's", "josé", "a,b=[c]", "${oc.env:HOME}", "back\\slash\\"):
        (override,) = OverridesParser.create().parse_overrides([f"x={literal(tmp_path / name)}"])
        assert OmegaConf.create({"x": override.value()}).x == str(tmp_path / name)


class Interrupt(BaseException):
    """Raised by a signal, as an interrupt is."""


def test_no_interrupt_is_lost_while_a_child_is_started(tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise Interrupt

    monkeypatch.setattr(child_run, "COMMAND", ("/bin/true",))
    before = signal.signal(signal.SIGTERM, interrupt)
    dice, raised = random.Random(0), 0
    try:
        for number in range(40):
            timer = threading.Timer(0.003 * dice.random(), os.kill, (os.getpid(), signal.SIGTERM))
            try:
                timer.start()
                child_run.run_child([], tmp_path / str(number), 60.0, ["rtf_warm"])
                timer.join()
                time.sleep(0.001)
            except Interrupt:
                raised += 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert raised == 40


def test_a_child_that_a_driver_keeps_from_being_killed_is_left(monkeypatch):
    waits, signals = [], []

    class Kept:
        pid = 12345

        def poll(self):
            return None

        def terminate(self):
            signals.append(signal.SIGTERM)

        def wait(self, timeout=None):
            waits.append(timeout)
            raise subprocess.TimeoutExpired("run", timeout)

    monkeypatch.setattr(os, "killpg", lambda pid, number: signals.append(number))
    child_run.end(Kept())
    assert signals == [signal.SIGTERM, signal.SIGKILL]
    assert waits == [child_run.GRACE_S] * 2, "no wait is without a limit"
