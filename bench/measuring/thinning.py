"""What result.json keeps of a long run: the spans of chunks are merged, samples are put together.

Metrics are computed before, from all that was observed. docs/reports.md states the rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from clipbench.bench.runs.telemetry import GpusTelemetry, GpuTelemetry, ProcessSeries, Telemetry
from clipbench.executors.base import Span

#: A pass over a clip keeps at most about so many spans: an hour of twenty analyzers has 15,000.
MOST_SPANS = 2000
#: A series keeps at most so many samples: an hour has 18,000.
MOST_SAMPLES = 2000
#: Figures of a GPU of which the highest sample of several is kept; of other numbers it is the mean.
PEAKS = ("memory_used_bytes",)
#: Figures of a GPU that only grow: the last sample of several is kept.
COUNTERS = ("energy_j",)


def thinned_spans(spans: Iterable[Span], most: int = MOST_SPANS) -> list[Span]:
    """The spans in order, of each clip at most about `most`.

    In a clip with more, the time of each worker is cut into slices, as short as suffices. In a slice, the
    chunks of an analyzer become one span with their `count`, as long as they were together, and these follow
    each other from the start of the slice's first one. Spans that are not of chunks stay as they were.
    """
    by_clip: dict[int, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start_s):
        by_clip[span.clip].append(span)
    kept = [span for own in by_clip.values() for span in (own if len(own) <= most else merged(own, most))]
    return sorted(kept, key=lambda span: span.start_s)


def merged(spans: Sequence[Span], most: int) -> list[Span]:
    """The spans of one clip, merged in the shortest slices that leave at most `most`."""
    length_s = max(span.end_s for span in spans) - spans[0].start_s
    slice_s = length_s / most
    found = list(spans)
    while len(found) > most and slice_s < 2 * length_s:
        found = [one for run in runs_of_chunks(spans, slice_s) for one in end_to_end(run)]
        slice_s *= 1.5
    return found


def runs_of_chunks(spans: Sequence[Span], slice_s: float) -> list[list[Span]]:
    """The spans in runs that can be merged: of chunks, on one worker, in one slice, none beside another.

    A span that is not of a chunk is alone.
    """
    runs: list[list[Span]] = []
    last: dict[str, list[Span]] = {}
    for span in spans:
        run = last.get(span.worker)
        if (
            run is None
            or span.chunk is None
            or run[-1].chunk is None
            or span.start_s < run[-1].end_s
            or span.start_s // slice_s != run[0].start_s // slice_s
        ):
            run = last[span.worker] = []
            runs.append(run)
        run.append(span)
    return runs


def end_to_end(run: Sequence[Span]) -> list[Span]:
    """The run with one span for each analyzer."""
    if len(run) == 1:
        return list(run)
    pieces: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for span in run:
        pieces[span.analyzer, span.phase].append(span)
    found, at_s = [], run[0].start_s
    for own in pieces.values():
        end_s = round(at_s + sum(span.end_s - span.start_s for span in own), 6)
        found.append(replace(own[0], start_s=at_s, end_s=end_s, count=len(own)))
        at_s = end_s
    return found


def thinned_telemetry(telemetry: Telemetry, most: int = MOST_SAMPLES) -> Telemetry:
    """The telemetry with at most `most` samples in a series.

    As many neighbours as necessary become one, at the time of the last. Of memory it has the highest, so that
    peaks stay; of CPU, of activity and of power the mean. What is no number is the last one's.
    """
    together = -(-len(telemetry.times_s) // most)
    gpu = telemetry.gpu
    if isinstance(gpu, GpusTelemetry):
        gpu = replace(gpu, devices=[thinned_gpu(device, most) for device in gpu.devices])
    if together < 2:
        return replace(telemetry, gpu=gpu)
    return replace(
        telemetry,
        times_s=[part[-1] for part in parts(telemetry.times_s, together)],
        cpu_percent=means(telemetry.cpu_percent, together),
        rss_bytes=highest(telemetry.rss_bytes, together),
        pss_bytes=highest(telemetry.pss_bytes, together),
        processes={pid: thinned_process(own, together) for pid, own in telemetry.processes.items()},
        gpu=gpu,
        samples_together=together,
    )


def thinned_process(process: ProcessSeries, together: int) -> ProcessSeries:
    """A process whose samples are put together with those of the whole run."""
    first, before = divmod(process.first, together)
    missing = [None] * before
    return replace(
        process,
        first=first,
        cpu_percent=means([*missing, *process.cpu_percent], together),
        rss_bytes=highest([*missing, *process.rss_bytes], together),
    )


def thinned_gpu(device: GpuTelemetry, most: int) -> GpuTelemetry:
    """A GPU with at most `most` samples of each figure."""
    figures = {}
    for name, series in device.figures.items():
        together = max(1, -(-len(series.times_s) // most))
        times_s = [part[-1] for part in parts(series.times_s, together)]
        if name in PEAKS:
            values = highest(series.values, together)
        elif name not in COUNTERS and all(isinstance(v, int | float) or v is None for v in series.values):
            values = means(series.values, together)
        else:
            values = [part[-1] for part in parts(series.values, together)]
        figures[name] = replace(series, times_s=times_s, values=values)
    return replace(device, figures=figures)


def parts(values: Sequence[Any], together: int) -> list[Sequence[Any]]:
    """The values, so many at a time; the last part may have fewer."""
    return [values[at : at + together] for at in range(0, len(values), together)]


def means(values: Sequence[Any], together: int) -> list[Any]:
    """The mean of each part, None where it has no number."""
    if together == 1:
        return list(values)
    known = ([v for v in part if v is not None] for part in parts(values, together))
    return [round(fmean(part), 3) if part else None for part in known]


def highest(values: Sequence[Any], together: int) -> list[Any]:
    """The highest of each part, None where it has no number."""
    return [max((v for v in part if v is not None), default=None) for part in parts(values, together)]
