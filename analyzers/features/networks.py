"""ONNX networks: what every analyzer with a small network shares.

A model that several analyzers of a worker open is loaded once and shared.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.analyzers import threads, weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

#: To be held where a PyTorch network is built: libraries change the default type meanwhile, for all threads.
building = threading.RLock()

_lock = threading.Lock()


@dataclass
class _Shared:
    """One loaded session and how many `Net`s use it."""

    session: object
    users: int = 0


_sessions: dict[tuple[Path, int], _Shared] = {}


class Net:
    """A network that is ready to run; made by `open_net`, given back by `close`."""

    def __init__(self, key: tuple[Path, int], session) -> None:
        self._key, self._session = key, session
        self.inputs = [node.name for node in session.get_inputs()]
        self.outputs = [node.name for node in session.get_outputs()]

    def __call__(self, *inputs: np.ndarray, batch: int | None = None) -> list[np.ndarray]:
        """All outputs for `inputs`, which are given in the order of `self.inputs`.

        With `batch`, the rows of the inputs (and outputs) are run that many at a time, which bounds the
        memory of the activations. Needs at least one row.
        """
        import numpy as np

        if self._session is None:
            raise RuntimeError("the network was closed")
        rows = len(inputs[0])
        if batch is None or rows <= batch:
            return self._session.run(None, dict(zip(self.inputs, inputs, strict=True)))
        chunks: list[Sequence[np.ndarray]] = [
            self(*(values[start : start + batch] for values in inputs)) for start in range(0, rows, batch)
        ]
        return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]

    def close(self) -> None:
        """Stop using the network; its memory goes back when the last user has closed it."""
        if self._session is None:
            return
        self._session = None
        with _lock:
            shared = _sessions[self._key]
            shared.users -= 1
            if shared.users == 0:
                del _sessions[self._key]


def open_net(name: str) -> Net:
    """The network of the model card `name` (or a path to an .onnx file) on this process's CPUs.

    Raises models.ModelError where the file is missing or not the one that its card describes.
    """
    path = weights.resolve(name)
    key = (path, threads.budget())
    with _lock:
        shared = _sessions.get(key)
        if shared is None:
            shared = _sessions[key] = _Shared(_session(*key))
        shared.users += 1
    return Net(key, shared.session)


def _session(path: Path, count: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count
    options.inter_op_num_threads = 1
    # Idle threads that spin take the cores which the other workers need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise weights.ModelError(f"{path} is not a network that ONNX Runtime can load: {error}") from error
