"""The answers for machines as rows of text, for every kind of report. All of them are predicted."""

from __future__ import annotations

from clipbench.bench.measuring.machine_choice import MachineAnswer, MachineChoice
from clipbench.reports import formatting

#: Heads of the table; ">" marks those of numbers.
HEADS = (
    "machine", ">cores", ">GPUs", ">RTF", ">throughput", ">p95", ">goodput", ">cores busy", ">GPUs busy",
    ">memory", ">GPU memory", ">1000 clips", "promises", "what binds",
)  # fmt: skip
#: What each head means.
LEGEND = (
    "RTF: a clip alone. Throughput: clip seconds finished per second, with a queue of clips. p95: from "
    "arrival to last outcome, for 95 of 100 clips that arrive as the scenario says. Goodput: clips per "
    "second within the limit. 1000 clips: their price, where conf/machine states one for an hour."
)


def cells(answer: MachineAnswer) -> list[str]:
    """The row of a machine, in the order of HEADS."""
    size = [answer.machine, str(answer.cores), str(answer.gpus)]
    if answer.reason:
        return [*size, *[""] * 9, "✗ does not fit", answer.reason]
    return [
        *size,
        formatting.number(answer.rtf),
        formatting.number(answer.throughput),
        "grows" if answer.grows else formatting.seconds(answer.latency_p95_s),
        formatting.number(answer.goodput, "1/s"),
        percent(answer.cores_busy),
        percent(answer.gpus_busy),
        formatting.number(answer.memory_gb, "GB"),
        formatting.number(answer.gpu_memory_gb, "GB"),
        formatting.number(answer.price_per_1000_clips),
        promises(answer),
        answer.prediction.binds if answer.prediction else "",
    ]


def percent(share: float | None) -> str:
    """A fraction in percent."""
    return "–" if share is None else f"{share:.0%}"


def promises(answer: MachineAnswer) -> str:
    """The promises of a machine: which are kept, and how sure that is."""
    signs = {True: "✓", False: "✗"}
    listed = [
        f"{signs[each.kept]} {each.text}{'' if each.sure or not each.kept else ' (not sure)'}"
        for each in answer.promises
    ]
    return ", ".join(listed) or "none is predicted"


def notes(choice: MachineChoice) -> list[str]:
    """What to beware of with these answers: where intervals come from, and what is extrapolated."""
    lines = []
    for answer in choice.answers:
        if answer.prediction is None:
            continue
        lines += [f"{name(answer)}: {line}" for line in answer.prediction.beware]
        for one in answer.prediction.metrics:
            known = one.low is not None and one.high is not None
            near = f" {formatting.number(one.low)} … {formatting.number(one.high)}" if known else ""
            lines.append(f"{name(answer)}, {one.metric}{near}: {one.source}")
    return lines


def name(answer: MachineAnswer) -> str:
    """A machine with its GPUs: "h100 × 4"."""
    return f"{answer.machine} × {answer.gpus}" if answer.gpus else answer.machine


def groupings(choice: MachineChoice) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each machine the groups that were found: name and analyzers."""
    return [
        (name(answer), [(group, ", ".join(names)) for group, names in answer.grouping.items()])
        for answer in choice.answers
        if answer.grouping
    ]
