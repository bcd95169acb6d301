"""The result of a run over an hour of video, for tests of what is kept of it and of the reports."""

from __future__ import annotations

import math

from clipbench.bench.measuring.thinning import thinned_spans, thinned_telemetry
from clipbench.bench.runs.results import ClipSummary, PassSummary, Result
from clipbench.bench.runs.telemetry import ProcessSeries, Telemetry
from clipbench.executors.base import Span
from tests.support import report_results
from tests.support.report_results import NAMES

#: An hour in chunks of five seconds.
CHUNKS, CHUNK_S, HOUR_S = 720, 5.0, 3600.0


def an_hour_of_spans(workers: int = 2, passes: int = 1) -> list[Span]:
    """What is observed while twenty analyzers go through an hour, at about half of its time."""
    spans = [Span(f"w{w}", NAMES[w], "load", 0.0, 2.0) for w in range(workers)]
    for number in range(passes):
        began_s = 2.0 + number * (HOUR_S / 2 + 10)
        for chunk in range(CHUNKS):
            at_s = began_s + chunk * CHUNK_S / 2
            spans.append(Span("decoder", "", "decode", at_s, at_s + 0.6, number, chunk))
            for w in range(workers):
                start_s = at_s + 0.6
                for i, name in enumerate(NAMES[w::workers]):
                    took_s = 1.2 / len(NAMES[w::workers]) * (0.5 + i % 3 / 2)
                    spans.append(Span(f"w{w}", name, "analyze", start_s, start_s + took_s, number, chunk))
                    start_s += took_s + 0.001
        for i, name in enumerate(NAMES):
            at_s = began_s + CHUNKS * CHUNK_S / 2 + 0.2 * (i // workers)
            spans.append(Span(f"w{i % workers}", name, "analyze", at_s, at_s + 0.1, number))
    return spans


def telemetry_of(seconds: float, processes: int) -> Telemetry:
    """Five samples a second of so many processes, and of two GPUs; the memory has one high sample."""
    made = report_results.telemetry(seconds, gpus=2)
    times_s = made.times_s
    made.rss_bytes[len(times_s) // 3] = 9 * 10**9
    made.processes = {
        str(pid): ProcessSeries(
            f"w{pid}", pid, [100 + 10 * math.sin(t) for t in times_s[pid:]], [10**9] * (len(times_s) - pid)
        )
        for pid in range(processes)
    }
    return made


def an_hour(workers: int = 2, passes: int = 1) -> Result:
    """The result of a run over an hour, as a run would leave it."""
    spans = an_hour_of_spans(workers, passes)
    made = report_results.a_run(workers, repeats=1, gpus=2)
    made.spans = thinned_spans(spans)
    made.run.clip = ClipSummary("hour.mp4", "ab" * 32, HOUR_S, 1280, 720, 30.0, has_audio=True)
    made.run.passes = [
        PassSummary(
            False,
            min(span.start_s for span in spans if span.clip == number and span.phase == "decode"),
            max(span.end_s for span in spans if span.clip == number),
            "hour.mp4",
        )
        for number in range(passes)
    ]
    for name, analyzer in made.analyzers.items():
        own = [span for span in spans if span.analyzer == name and span.phase == "analyze"]
        analyzer.analyze_s = [
            sum(span.end_s - span.start_s for span in own if span.clip == number) for number in range(passes)
        ]
    made.telemetry = thinned_telemetry(telemetry_of(max(span.end_s for span in spans), processes=workers + 2))
    return made
