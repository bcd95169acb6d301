"""What a network would do, operation by operation, without doing it: for the floors (studies/floors.py).

Tensors are on PyTorch's meta device: they have shapes and types, but no values. A back end is run on them as
it is. Where it asks the device for a value, it is answered with zeros, and where for the place of something,
with the last one: random weights, too, stop only when their budget is used up.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

aten = torch.ops.aten
#: Bytes of the second-level cache of an H100 (an A100 has 40 MB). An activation that fits need not travel.
CACHE = 50e6


@dataclass
class Work:
    """What was done in a phase.

    `flops` by the bytes of an element (2: half precision); what matrix products, convolutions and attention
    read and write, in bytes: `weight_bytes`, and `activation_bytes` of tensors that no cache holds; `reads`,
    how often each weight was read, and `weights`, its elements; `operations`, those that start at least one
    kernel; `passing_bytes`, what all others write; `batch`, the rows of the first layer's input.
    """

    flops: Counter[int] = field(default_factory=Counter)
    weight_bytes: int = 0
    activation_bytes: int = 0
    reads: Counter[int] = field(default_factory=Counter)
    weights: dict[int, int] = field(default_factory=dict)
    operations: int = 0
    passing_bytes: int = 0
    batch: int = 0

    @property
    def bytes(self) -> int:
        """All that is moved."""
        return self.weight_bytes + self.activation_bytes


class Meter(TorchDispatchMode):
    """Counts the work on the meta device, by phase; outside of all phases nothing is counted.

    Operations are counted by the formulas of torch.utils.flop_counter: a multiplication and an addition are
    two. Attention is one operation that reads queries, keys, values and mask and writes its result; an LSTM
    is one that reads its weights once. All else is taken to happen in passing, in kernels that fuse it: what
    it writes is in no floor, but counted (`Work.passing_bytes`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.phases: dict[str, Work] = {}
        self._phase: str | None = None
        self._weights: dict[int, torch.Tensor] = {}  # kept, so that no place is used again
        self._within: set[int] | None = None

    @contextmanager
    def on(self) -> Iterator[Meter]:
        """Count what is done in the context."""
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())  # so that operations arrive here as they are called
            stack.enter_context(_Attention(self))
            stack.enter_context(self)
            yield self

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what is done in the context as the phase `name`."""
        before, self._phase = self._phase, name
        try:
            yield
        finally:
            self._phase = before

    def know(self, *nets: torch.nn.Module) -> None:
        """Take the parameters of `nets`, and no others, for weights."""
        self._weights = {place(parameter): parameter for net in nets for parameter in net.parameters()}

    def add(self, flops: int, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        """An operation that reads `inputs` and writes `outputs`."""
        if self._phase is None:
            return
        work = self.phases.setdefault(self._phase, Work())
        work.flops[inputs[0].element_size()] += flops
        for tensor in inputs:
            key = place(tensor)
            if key not in self._weights:
                work.activation_bytes += travels(tensor)
                continue
            if self._within is not None and key in self._within:
                continue
            if self._within is not None:
                self._within.add(key)
            work.weight_bytes += extent(tensor)
            work.weights[key] = max(work.weights.get(key, 0), extent(tensor) // tensor.element_size())
            work.reads[key] += 1
        work.activation_bytes += sum(map(travels, outputs))
        fed = [tensor for tensor in inputs if place(tensor) not in self._weights]
        if not work.batch and len(fed) < len(inputs):
            work.batch = max(map(len, fed))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = tensors_in((*args, *kwargs.values()))
        if not any(tensor.is_meta for tensor in tensors):
            return func(*args, **kwargs)
        if func is aten._local_scalar_dense.default:
            return 0
        if func is aten.nonzero.default:
            return torch.tensor([[side - 1 for side in args[0].shape]])
        if func is aten._to_copy.default and torch.device(kwargs.get("device") or "meta").type == "cpu":
            return torch.zeros(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        if func._overloadpacket not in flop_registry and func not in _whole:
            with self, self._one(func is aten.lstm.input):
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
            _whole.add(func)
        out = func(*args, **kwargs)
        outputs = tensors_in(out if isinstance(out, tuple) else (out,))
        formula = flop_registry.get(func._overloadpacket)
        if starts_kernel(func):
            written = [args[_writes_part[func]]] if func in _writes_part else outputs
            self.operation([] if formula else written)
        if formula:
            self.add(formula(*args, **kwargs, out_val=out), tensors, outputs)
        return out

    def operation(self, written: Iterable[torch.Tensor] = ()) -> None:
        """An operation that starts a kernel, and writes these tensors in passing."""
        if self._phase is not None and self._within is None:
            work = self.phases.setdefault(self._phase, Work())
            work.operations += 1
            work.passing_bytes += sum(map(extent, written))

    @contextmanager
    def _one(self, one: bool) -> Iterator[None]:
        """Where `one`, all in the context is one operation, and each weight is read once."""
        if not one:
            yield
            return
        self.operation()
        self._within = set()
        try:
            yield
        finally:
            self._within = None


#: Operations that are one kernel on a GPU, whatever they are made of elsewhere, and those that have turned
#: out not to be made of others.
_whole: set[Any] = {aten.rms_norm.default}
#: Operations that start no kernel, though they return what is not said to be a view: the end of a matrix
#: product, and memory that nobody has written to.
_no_kernel: set[Any] = {aten._unsafe_view.default, aten.new_empty.default, aten.empty_like.default}
#: Operations that return all of what they write a part of, and which of their arguments is as large as it.
_writes_part: dict[Any, int] = {aten.index_copy_.default: 3}


class _Attention(TorchFunctionMode):
    """Attention as the one kernel that it is on a GPU; on the meta device it would come in parts."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not torch.nn.functional.scaled_dot_product_attention or not args[0].is_meta:
            return func(*args, **kwargs)
        query, key, value, *more = args
        mask = more[0] if more else kwargs.get("attn_mask")
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        self._meter.operation()
        # Queries may share keys and values, which are then there once.
        whole = [[*query.shape[:-2], *tensor.shape[-2:]] for tensor in (key, value)]
        read = [query, key, value] + ([mask] if mask is not None else [])
        self._meter.add(sdpa_flop_count(query.shape, *whole), read, [out])
        return out


def tensors_in(values: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among `values`, and in lists among them: PyTorch's operations take and give no more."""
    flat = (each for value in values for each in (value if isinstance(value, list | tuple) else (value,)))
    return [each for each in flat if isinstance(each, torch.Tensor)]


def place(tensor: torch.Tensor) -> int:
    """What is the same for all views of one piece of memory."""
    return tensor.untyped_storage()._cdata


def extent(tensor: torch.Tensor) -> int:
    """Bytes of a tensor; of one that shows the same memory several times, as in broadcasting, once."""
    return min(tensor.nbytes, tensor.untyped_storage().nbytes())


def travels(tensor: torch.Tensor) -> int:
    """Bytes of an activation, if no cache holds it."""
    size = extent(tensor)
    return size if size > CACHE else 0


@functools.cache
def starts_kernel(func: Any) -> bool:
    """Whether an operation does more than look at memory in another way, or ask for some."""
    aliases = [out.alias_info for out in func._schema.returns]
    is_view = any(alias is not None and not alias.is_write for alias in aliases)
    return not is_view and func not in _no_kernel
