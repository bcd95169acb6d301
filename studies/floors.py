"""The two floors of every production model: how fast a pass over the reference clip can be at best on a GPU.

    python -m studies.floors [--gpu "H100 SXM"] [--json FILE] [--write] [SETTING=VALUE ...]

No pass can be faster than its arithmetic at the GPU's peak, nor than its bytes at the bandwidth of the GPU's
memory. Both are counted, not measured: the back ends of models=random analyze the reference clip in full
size, with their default settings, on PyTorch's meta device (operation_meter.py), where tensors have shapes
and no values. So what is counted is what runs. It takes no GPU, no weights, and little memory. `--write` puts
the tables into docs/gpu.md, between the marks there.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studies.pages import markdown, write_between

if TYPE_CHECKING:
    from studies.operation_meter import Meter, Work


class Gpu(NamedTuple):
    """Peak rates: dense float16 or bfloat16 and float32 in TFLOP/s, memory in TB/s; and who says so."""

    half: float
    single: float
    memory: float
    source: str


#: The dense rates: with sparsity, as they are often given, those of float16 are twice as high.
GPUS = {
    "H100 SXM": Gpu(989.4, 66.9, 3.35, "glennklockwood.com/garden/processors/h100"),
    "H200 SXM": Gpu(989.4, 66.9, 4.8, "the same chip; memory: itkb.uw.cz, NVIDIA H200 vs B300, June 2026"),
}
#: What a prediction takes for granted, since nothing is as fast as its floor: the share of the peak that
#: matrix products reach, that of the bandwidth, and the seconds that Python takes to start an operation.
SHARE_OF_PEAK, SHARE_OF_BANDWIDTH, START_S = 0.5, 0.75, 10e-6
#: What is done outside of the phases that a back end names.
OTHER = "other"
#: Where the tables are, and the marks around them.
PAGE = Path(__file__).resolve().parent.parent / "docs" / "gpu.md"
BEGIN, END = "<!-- begin: python -m studies.floors --write -->", "<!-- end: floors -->"
#: The phases whose operations are replayed as a CUDA graph, so that Python starts none of them.
REPLAYED = ("Qwen2-VL decode",)


@dataclass(frozen=True)
class Row:
    """A phase of an analyzer in one pass: its floors in seconds, what they are made of, and a prediction.

    `parameters` are those that matrix products and convolutions read, `reads` how often; `batch` is the rows
    of the first layer's input: frames, windows, lines, sequences, or patches.
    """

    group: str
    analyzer: str
    phase: str
    parameters: int
    batch: int
    reads: int
    gflop: float
    weights_gb: float
    activations_gb: float
    operations: int
    arithmetic_s: float
    memory_s: float
    predicted_s: float

    @property
    def floor_s(self) -> float:
        """The higher one of the two floors."""
        return max(self.arithmetic_s, self.memory_s)


def row(group: str, analyzer: str, phase: str, work: Work, gpu: Gpu) -> Row:
    """What a phase's work comes to on a GPU."""
    half = sum(count for size, count in work.flops.items() if size <= 2)
    arithmetic = half / (gpu.half * 1e12) + (work.flops.total() - half) / (gpu.single * 1e12)
    memory = work.bytes / (gpu.memory * 1e12)
    started = 0.0 if phase in REPLAYED else work.operations * START_S
    return Row(
        group,
        analyzer,
        phase,
        sum(work.weights.values()),
        work.batch,
        max(work.reads.values(), default=0),
        work.flops.total() / 1e9,
        work.weight_bytes / 1e9,
        work.activation_bytes / 1e9,
        work.operations,
        arithmetic,
        memory,
        max(arithmetic / SHARE_OF_PEAK, memory / SHARE_OF_BANDWIDTH, started),
    )


def count(
    overrides: Sequence[str], told: Callable[[str], None] = lambda name: None
) -> tuple[dict[tuple[str, str, str], Work], dict[str, str]]:
    """The work of one pass by group, analyzer and phase, and by analyzer why it did not come to its end.

    `overrides` are run.py's; `told` hears each analyzer's name before it is counted. An analyzer whose back
    end looks at what a neighbour in its group has looked at already has less to do, or nothing.
    """
    from clipbench.analyzers import registry
    from clipbench.analyzers.production.base import Production
    from clipbench.bench.clips.decoding import decode
    from clipbench.bench.planning import config
    from clipbench.bench.planning.plan import make_plan
    from studies.meta_device import on_meta_device

    cfg = config.compose("models=random", "grouping=optimized", "executor=gpu_pinned", *overrides)
    plan = make_plan(cfg)
    known = {t.analyzer: registry.create(t.analyzer, t.settings) for t in plan.tasks()}
    known = {name: each for name, each in known.items() if isinstance(each, Production)}
    found: dict[tuple[str, str, str], Work] = {}
    broken: dict[str, str] = {}
    with on_meta_device() as meter:
        for group in plan.groups:
            mine = [task.analyzer for task in group.tasks if task.analyzer in known]
            # A clip for each group, as each worker has one: what it has computed is there for all in it.
            with decode(Path(cfg.clip.path), [known[name].needs() for name in mine], 2) as clip:
                for name in mine:
                    told(name)
                    if reason := counted(known[name], clip, meter):
                        broken[name] = reason
                    for phase, work in meter.phases.items():
                        if work.flops or phase != OTHER:
                            found[group.name, name, phase] = work
                    meter.phases = {}
    return found, broken


def counted(analyzer: Any, clip: Any, meter: Meter) -> str:
    """Let `analyzer` analyze `clip` under `meter`; returns why it did not come to its end, or ""."""
    from clipbench.analyzers.production import speech_transcription

    if hasattr(analyzer.settings, "cuda_graph"):
        analyzer.settings = replace(analyzer.settings, cuda_graph=False)  # the same work, started otherwise
    try:
        analyzer.load("meta")
        networks = dict(getattr(analyzer, "networks", {}))
        if encoder := getattr(analyzer, "encoder", None):
            networks["clip"] = encoder.network
        if isinstance(analyzer, speech_transcription.WhisperLargeV3):
            speech_transcription.halve(networks["whisper"])
        meter.know(*networks.values())
        with meter.phase(OTHER), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about means and ratios of nothing but zeros
            analyzer.analyze(clip, {})
        analyzer.unload()
    except Exception as error:
        return f"{type(error).__name__}: {(str(error) or 'no message').splitlines()[0]}"
    return ""


def as_table(rows: Sequence[Row]) -> list[list[str]]:
    """The rows as cells, with a heading."""
    heads = ["group", "analyzer: phase", "M weights", "batch", "reads", "GFLOP", "GB weights", "GB other"]
    cells = [[*heads, "ops", "arithmetic ms", "memory ms", "binds", "prediction ms"]]
    for r in rows:
        phase = f"{r.analyzer}: {r.phase}"
        cells.append(
            [
                *(r.group, phase, f"{r.parameters / 1e6:.1f}", f"{r.batch}", f"{r.reads}", f"{r.gflop:.1f}"),
                *(f"{r.weights_gb:.2f}", f"{r.activations_gb:.2f}", f"{r.operations}"),
                *(f"{r.arithmetic_s * 1e3:.2f}", f"{r.memory_s * 1e3:.2f}"),
                "arithmetic" if r.arithmetic_s > r.memory_s else "memory",
                f"{r.predicted_s * 1e3:.1f}",
            ]
        )
    return cells


def sums(rows: Sequence[Row]) -> list[list[str]]:
    """Per group and for all of them: the sums of the higher floors and of the predictions, as cells."""
    cells = [["group", "floor ms", "prediction ms"]]
    for group in [*dict.fromkeys(r.group for r in rows), "all"]:
        mine = [r for r in rows if group in (r.group, "all")]
        floor, predicted = sum(r.floor_s for r in mine), sum(r.predicted_s for r in mine)
        cells.append([group, f"{floor * 1e3:.1f}", f"{predicted * 1e3:.1f}"])
    return cells


def main(argv: Sequence[str] | None = None) -> int:
    """Count and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m studies.floors", description=__doc__.splitlines()[0])
    parser.add_argument("--gpu", default="H100 SXM", choices=GPUS, help="whose rates (default H100 SXM)")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--write", action="store_true", help="also write the tables into docs/gpu.md")
    parser.add_argument(
        "overrides", nargs="*", metavar="SETTING=VALUE", help="settings, as run.py takes them"
    )
    asked = parser.parse_args(argv)

    from rich.console import Console

    with Console(stderr=True).status("") as status:
        works, broken = count(asked.overrides, status.update)
    gpu = GPUS[asked.gpu]
    rows = [row(*key, work, gpu) for key, work in works.items()]
    print(
        f"One pass on {asked.gpu}: {gpu.half:g} TFLOP/s in half precision, {gpu.memory:g} TB/s "
        f"({gpu.source}).\n"
        f"Predicted with {SHARE_OF_PEAK:.0%} of the one, {SHARE_OF_BANDWIDTH:.0%} of the other, and "
        f"{START_S * 1e6:g} µs to start an operation.\n"
    )
    tables = f"{markdown(as_table(rows))}\n\n{markdown(sums(rows))}"
    print(tables)
    if asked.write:
        write_between(PAGE, BEGIN, END, tables)
    for name, reason in broken.items():
        print(f"{name}: counted until {reason}")
    if asked.json:
        written: Mapping[str, Any] = {
            "gpu": {"name": asked.gpu, **gpu._asdict()},
            "rows": [{**vars(r), "floor_s": r.floor_s} for r in rows],
            "not_counted_to_the_end": broken,
        }
        asked.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
