"""The rows of reports of costs: what works take for a minute of clip, sorted, the shared ones apart."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

from clipbench.reports import formatting

if TYPE_CHECKING:
    from clipbench.bench.planning.cost_file import KeptCosts
    from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Work

#: What is shown is for so many seconds of a clip of so many million pixels, in pieces of so many seconds.
CLIP_S, MEGAPIXELS, PIECE_S = 60.0, 720 * 1280 / 1e6, 5.0
NOT_KNOWN = "–"
#: Heads of the columns, of which one that begins with ">" is of numbers.
HEADS = (
    "analyzer",
    ">alone",
    ">own",
    ">shared",
    ">2 threads",
    ">slows",
    ">slowed",
    ">load",
    ">memory",
    ">peak",
)


@dataclass(frozen=True)
class CostRow:
    """A work for a minute of clip, on one core: seconds of its own, and of what it shares, by name.

    `gpu_s` are those of a GPU. `cells` are what stands beside that in a table: HEADS from the fifth on.
    """

    name: str
    own_s: float
    shared: dict[str, float]
    gpu_s: float
    cells: tuple[str, ...]

    @property
    def alone_s(self) -> float:
        """What it takes where nobody shares with it."""
        return self.own_s + sum(self.shared.values()) + self.gpu_s


def analyzer_rows(costs: Costs) -> list[CostRow]:
    """A row for each analyzer, the one that takes most first."""
    rows = [analyzer_row(name, cost, costs) for name, cost in costs.analyzers.items()]
    return sorted(rows, key=lambda row: (-row.alone_s, row.name))


def analyzer_row(name: str, cost: AnalyzerCost, costs: Costs) -> CostRow:
    """The row of one analyzer; an analyzer that is called once is taken to read the clip in one piece."""
    short = short_names(costs)
    shared = {short[key]: minute_of(costs.derivations[key]) for key in cost.derivations}
    once = (cost.windowed, cost.finish)
    own_s = for_a_minute(cost.work.host) + sum(work.host.at(CLIP_S, MEGAPIXELS) for work in once)
    gpu_s = for_a_minute(cost.work.gpu) + sum(work.gpu.at(CLIP_S, MEGAPIXELS) for work in once)
    cells = (
        *company_cells(name, cost.work, costs),
        known(costs, "load_s", formatting.seconds(cost.load_s), name),
        gigabytes(cost.memory_gb),
        gigabytes(cost.peak_gb),
    )
    return CostRow(name, own_s, shared, gpu_s, cells)


def heads(costs: Costs) -> list[str]:
    """The heads of the table of analyzers; with seconds of a GPU where there are any."""
    return [*HEADS[:4], *([">GPU"] if uses_gpu(costs) else []), *HEADS[4:]]


def cells(row: CostRow, costs: Costs) -> list[str]:
    """The cells of a row of the table of analyzers."""
    seconds = formatting.seconds
    own = known(costs, "host", seconds(row.own_s), row.name)
    shared = seconds(sum(row.shared.values())) if row.shared else known(costs, "derivations", "")
    gpu = [seconds(row.gpu_s) if row.gpu_s else ""] if uses_gpu(costs) else []
    return [row.name, seconds(row.alone_s), own, shared, *gpu, *row.cells]


def uses_gpu(costs: Costs) -> bool:
    """Whether any analyzer has seconds of a GPU."""
    return any(row.gpu_s for row in analyzer_rows(costs))


def other_tables(costs: Costs) -> list[tuple[list[str], list[list[str]]]]:
    """Heads and rows of what is shared, of decoding, and of executors."""
    short = short_names(costs)
    shared = [[short[name], formatting.seconds(s), ", ".join(who)] for name, s, who in derivation_rows(costs)]
    decoding = [] if "decoding" in costs.unknown else [list(line) for line in decoding_cells(costs)]
    return [
        (["shared, once a worker and piece", ">seconds", "by"], shared),
        (["decoding, at one thread", ">seconds"], decoding),
        (
            ["executor", ">starting", ">a step, worker", ">a step, driver", ">worker's memory"],
            [list(line) for line in overhead_cells(costs)],
        ),
    ]


def derivation_rows(costs: Costs) -> list[tuple[str, float, list[str]]]:
    """What is shared: its name, seconds for a minute of clip, and by whom; the most costly first."""
    rows = [
        (
            name,
            minute_of(work),
            [a for a, cost in costs.analyzers.items() if name in cost.derivations],
        )
        for name, work in costs.derivations.items()
    ]
    return sorted(rows, key=lambda row: -row[1])


def short_names(costs: Costs) -> dict[str, str]:
    """What is shared → its name without the settings, where those tell nothing apart."""
    short = {name: re.sub(r"^(\S+)[^(]*(?= \(|$)", r"\1", name) for name in costs.derivations}
    return {name: text if [*short.values()].count(text) == 1 else name for name, text in short.items()}


def for_a_minute(growth: Growth) -> float:
    """Seconds of a step that is taken for each piece of a minute of clip."""
    return CLIP_S / PIECE_S * growth.at(PIECE_S, MEGAPIXELS)


def minute_of(work: Work) -> float:
    """Seconds of a core and of a GPU of a work that is done for each piece of a minute of clip."""
    return for_a_minute(work.host) + for_a_minute(work.gpu)


def company_cells(name: str, work: Work, costs: Costs) -> tuple[str, str, str]:
    """What two threads are worth, by how much it slows others at the mean, and others it."""
    works = [cost.work for cost in costs.analyzers.values()]
    slows = work.pressure * average(other.sensitivity for other in works)
    slowed = work.sensitivity * average(other.pressure for other in works)
    return (
        known(costs, "parallel", f"× {1 / (1 - work.parallel / 2):.2f}", name),
        known(costs, "pressure", f"+{100 * slows:.0f} %", name),
        known(costs, "sensitivity", f"+{100 * slowed:.0f} %", name),
    )


def average(values: Iterable[float]) -> float:
    """The mean; 0 of nothing."""
    return mean([*values] or [0.0])


def known(costs: Costs, field: str, text: str, analyzer: str = "") -> str:
    """`text`, or a dash where that field was not measured, for any or for this analyzer."""
    return NOT_KNOWN if {field, f"{analyzer}.{field}"} & costs.unknown.keys() else text


def gigabytes(value: float | None) -> str:
    """Memory: "0.42 GB"; a dash where it is not known."""
    return NOT_KNOWN if value is None else f"{value:.2f} GB"


def decoding_cells(costs: Costs) -> list[tuple[str, str]]:
    """What decoding takes, in words and seconds."""
    cost, seconds = costs.decoding, formatting.seconds
    size = "its size" if "decoding.per_megapixel_s" in costs.unknown else f"{MEGAPIXELS:.2f} megapixels"
    found = [
        ("spawn_s", "starting a decoder", seconds(cost.spawn_s)),
        ("open_s", "opening a clip", seconds(cost.open_s)),
        ("sound", "sound of a minute", seconds(for_a_minute(cost.sound))),
        ("frames", f"frames of a minute of {size}", seconds(for_a_minute(cost.frames))),
        ("more_sizes", "each further size of frames", f"+{100 * cost.more_sizes:.0f} %"),
    ]
    return [(what, known(costs, f"decoding.{field}", text)) for field, what, text in found]


def overhead_cells(costs: Costs) -> list[tuple[str, str, str, str, str]]:
    """What executors take: for starting a worker, a step in the worker, a step in the driver, memory."""
    return [
        (
            name,
            formatting.seconds(cost.spawn_s),
            formatting.seconds(cost.step_s),
            known(costs, "driver_s", formatting.seconds(cost.driver_s)),
            gigabytes(cost.memory_gb),
        )
        for name, cost in costs.overheads.items()
    ]


def title(kept: KeptCosts) -> str:
    """What these costs are, in a line; that they are declared is in its first words."""
    costs = kept.costs
    kind = "costs" if costs.source == "measured" else "DECLARED costs, not measured:"
    on = f" with {costs.gpu}" if costs.gpu else ""
    profiles = " or ".join(kept.profiles)
    return f"{kind} of {len(costs.analyzers)} analyzers, models={profiles}, {costs.machine}{on}"


def remarks(kept: KeptCosts) -> list[str]:
    """How good these costs are, and what they do not tell, in a line each."""
    costs = kept.costs
    lines = [f"for a minute of clip in pieces of {PIECE_S:g} s, seconds on one core at one thread"]
    if kept.measured_at:
        lines.append(f"{kept.measured_at}, on {kept.clip}: {kept.command}")
    if kept.busy:
        lines.append(f"busy: other work took {kept.other_cores:g} cores meanwhile; these costs are too high")
    for what, value in (
        ("repeats are from their middle", costs.spread),
        ("times side by side are from the fit", costs.residual),
        ("times side by side are that it was not fitted to", costs.holdout),
    ):
        if value is not None:
            lines.append(f"{100 * value:.1f} %: how far {what}, at the median")
    lines += kept.remarks
    reasons: dict[str, list[str]] = {}
    for field, reason in costs.unknown.items():
        if field.partition(".")[0] in {*costs.analyzers, *costs.derivations}:
            continue  # that of one analyzer, which a remark is about
        reasons.setdefault(reason, []).append(field)
    return lines + [f"{', '.join(fields)} not known: {reason}" for reason, fields in reasons.items()]
