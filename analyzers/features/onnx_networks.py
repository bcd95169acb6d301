"""ONNX networks on the CPU, which the analyzers of a worker share.

Every session follows the worker's thread budget, and a network that several analyzers open is loaded once.
"""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from clipbench.analyzers import threads, weights
from clipbench.analyzers.features import denormals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np


class Node(Protocol):
    """An input or output of a network."""

    name: str


class Session(Protocol):
    """What is used of an ONNX Runtime session, which has no types."""

    def get_inputs(self) -> Sequence[Node]: ...

    def get_outputs(self) -> Sequence[Node]: ...

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]: ...


@dataclass
class _Shared:
    """A loaded session, and how many `Network`s use it."""

    session: Session
    users: int = 0


_sessions: dict[tuple[Path, int], _Shared] = {}
_lock = threading.Lock()


class Network:
    """A network that is ready to run; `open_network` makes it, and `close` gives it back."""

    def __init__(self, key: tuple[Path, int], session: Session) -> None:
        self._key = key
        self._session: Session | None = session
        self.inputs = [node.name for node in session.get_inputs()]
        self.outputs = [node.name for node in session.get_outputs()]

    def __call__(self, *inputs: np.ndarray, batch: int | None = None) -> list[np.ndarray]:
        """All outputs for `inputs`, which are given in the order of `self.inputs`.

        With `batch`, at most that many rows are run at a time, which limits the memory for activations.
        Requires at least one row.
        """
        import numpy as np

        if self._session is None:
            raise RuntimeError("the network was closed")
        rows = len(inputs[0])
        if batch is None or rows <= batch:
            return self._session.run(None, dict(zip(self.inputs, inputs, strict=True)))
        chunks = [
            self(*(values[start : start + batch] for values in inputs)) for start in range(0, rows, batch)
        ]
        return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]

    def close(self) -> None:
        """Stop using the network; its memory is freed when its last user has closed it."""
        if self._session is None:
            return
        self._session = None
        with _lock:
            shared = _sessions[self._key]
            shared.users -= 1
            if shared.users == 0:
                del _sessions[self._key]


def open_network(name: str) -> Network:
    """The network of the model card `name` (or of a path to an .onnx file) on this process's cores.

    Raises weights.ModelError if the file is missing or is not the one that its card describes.
    """
    path = weights.resolve(name)
    key = (path, threads.budget())
    with _lock:
        shared = _sessions.get(key)
        if shared is None:
            try:
                session = new_session(path)
            except Exception as error:
                raise weights.ModelError(
                    f"{path} is not a network that ONNX Runtime can load: {error}"
                ) from error
            shared = _sessions[key] = _Shared(session)
        shared.users += 1
    return Network(key, shared.session)


def new_session(model: Path | bytes, initializers: Mapping[str, bytes] | None = None) -> Session:
    """An ONNX Runtime session on the CPU that keeps to the thread budget; nobody shares it.

    `model` is a file or its content; `initializers` are the contents of the external files that it names.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.budget()
    options.inter_op_num_threads = 1
    # Idle threads that spin would take cores from the other workers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # This is for ONNX Runtime's own threads; `_session_type` sees to the one that calls.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.log_severity_level = 3
    if initializers:
        contents = list(initializers.values())
        options.add_external_initializers_from_files_in_memory(
            list(initializers), contents, [len(content) for content in contents]
        )
    source = model if isinstance(model, bytes) else str(model)
    with denormals.as_zero():  # the first session would leave the thread that made it like this for good
        return _session_type()(source, options, providers=["CPUExecutionProvider"])


@functools.cache
def _session_type() -> Callable[..., Session]:
    """The type of sessions in whose networks denormal numbers are zero, whichever thread runs them.

    RapidOCR wants sessions to be ONNX Runtime's own, whose module takes long to import.
    """
    import onnxruntime

    class FlushingSession(onnxruntime.InferenceSession):  # type: ignore[misc]
        def run(self, *arguments: object) -> object:
            with denormals.as_zero():
                return super().run(*arguments)

    return FlushingSession


def output_of_shape(outputs: list[np.ndarray], *shape: int) -> np.ndarray:
    """The output whose rows have `shape`, [N, *shape]: networks differ in the order of their outputs.

    Raises ValueError if there is none, as with another network than the one expected.
    """
    import numpy as np

    for value in outputs:
        if value[0].size == np.prod(shape):
            return value.reshape(len(value), *shape)
    raise ValueError(f"the network has no output of shape {shape}, only {[value.shape for value in outputs]}")
