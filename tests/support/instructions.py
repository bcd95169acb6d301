"""Counting what the driver does: instructions of Python, which are the same on every machine at any load."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any


class Instructions:
    """Counts the instructions that Python carries out in the files of one folder, while it is `on`.

    What loops in C (sorting a list, copying a set) counts as one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = str(folder.resolve()), 0
        self._here: dict[str, bool] = {}

    def on(self) -> None:
        """Count from now on, also in the calls that are under way."""
        sys.settrace(self._call)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            frame.f_trace = self._call(frame, "call", None)
            frame = frame.f_back

    def off(self) -> None:
        """Count no more."""
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        if name not in self._here:
            self._here[name] = str(Path(name).resolve()).startswith(self.folder)
        if not self._here[name]:
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        return self._instruction

    def _instruction(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        self.count += event == "opcode"
        return self._instruction
