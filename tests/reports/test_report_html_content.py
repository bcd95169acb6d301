"""report.html as text: what it says about failures, missing figures and the baseline, and how large it is."""

from __future__ import annotations

import re
import time

from clipbench.bench.runs.baseline_outcome import Compared, Saved, SlowerAnalyzer
from clipbench.bench.runs.results import MetricValue, PassSummary
from clipbench.bench.runs.serialization import from_json
from clipbench.bench.runs.serving import QueueLength, ScenarioSummary, Served
from clipbench.bench.runs.telemetry import GpusTelemetry
from clipbench.reports.drawing.over_time import over_time
from clipbench.reports.run import html
from tests.support import report_results
from tests.support.fake_nvml import GPM, SECOND, FakeNvml, Gpu, sample
from tests.support.fake_nvml import samples as recorded


def test_what_a_gpu_tells_is_drawn():
    began = time.monotonic()
    card = Gpu(gpm=GPM, buffer=lambda: recorded((time.time(), 55)))
    run = report_results.a_run()
    sampled = from_json(GpusTelemetry, sample(FakeNvml(card, SECOND), times=3))
    run.telemetry.gpu = GpusTelemetry(devices=[device.since(began) for device in sampled.devices])
    curves = {curve.name: curve for curve in over_time(run).curves}
    assert {"GPU 0 utilisation", "GPU 0 SM activity", "GPU 0 memory", "GPU 0 power"} <= set(curves)
    assert curves["GPU 0 SM activity"].summary == "61.5 on average, 61.5 % at most"
    assert curves["GPU 1 memory"].summary == "2 on average, 2 GB at most"
    assert all(name in html.render(run) for name in curves)


def test_an_invalid_verdict_says_which_rule():
    run = report_results.a_run()
    run.verdict, run.verdict_reason = "invalid", "only 2 of 20 analyzers ran"
    text = html.render(run)
    assert "verdict: invalid" in text and "only 2 of 20 analyzers ran" in text


def test_what_was_not_measured_says_why():
    text = html.render(report_results.unsampled())
    assert (
        "<b>CPU, memory, GPU utilisation, GPU SM activity, GPU memory, GPU power</b>: not measured: " in text
    )
    assert "the sampler failed: no answer" in text
    text = html.render(report_results.a_run(gpus=1))
    assert "<b>GPU 0 SM activity</b>: not measured: NVML: Not Supported" in text
    text = html.render(report_results.interrupted())
    assert "not measured: no repeat was run" in text


def test_a_quality_figure_says_what_it_means_and_why_it_was_not_measured():
    run = report_results.a_run()
    run.metrics += [
        MetricValue("quality.visual_effects.false_effects", 2.0, "", "lower"),
        MetricValue("quality.visual_effects.temporal_iou", None, "", "higher", reason='no "effect" <found>'),
        MetricValue("quality.visual_effects.of_a_plugin_that_is_gone", 0.5, "px", "lower"),
    ]
    text = html.render(run)
    assert (
        'title="Number of effects found where the footage has none of their kind. Lower is better."' in text
    )
    assert "false effects <b>2</b>" in text
    assert "Not measured: no &#34;effect&#34; &lt;found&gt;" in text
    assert 'title="Lower is better."' in text and "of a plugin that is gone <b>0.5 px</b>" in text


def test_an_analyzer_that_went_wrong_is_first_with_its_reason():
    run = report_results.a_run()
    lost = run.analyzers[report_results.NAMES[7]]
    lost.status, lost.reason, lost.error = "timeout", "longer than 5 s", "Traceback: x"
    assert html.html_rows(run)[0].analyzer.name == report_results.NAMES[7]
    text = html.render(run)
    assert "longer than 5 s" in text and "Traceback: x" in text and "(timeout in this run)" in text


def test_the_baseline_is_told():
    run = report_results.a_run()
    assert "Baseline" not in html.render(run)
    run.run.baseline = Compared(
        call="slower", path="b.json", runs=5, ratio=1.2, low=1.1, high=1.3, confirmed=True,
        moved=[SlowerAnalyzer("x", before_s=1.0, now_s=2.0, ratio=2.0, low=1.9, high=2.1)],
    )  # fmt: skip
    text = html.render(run)
    assert "slower, against 5 runs in b.json: 1.2 times as long (1.1 … 1.3)" in text
    assert "x: 1.00 s → 2.00 s, 2 times as long (1.9 … 2.1)" in text and "a second run confirmed it" in text
    run.run.baseline = Saved(saved=False, path="b.json", runs=2, needed=3, reason="too few")
    assert "The run was not added to the baseline, 2 runs in b.json." in html.render(run)


def test_twenty_repeats_are_small(tmp_path):
    run = report_results.a_run(workers=4, repeats=20, gpus=2)
    assert html.write(run, tmp_path).stat().st_size < 3e6


def test_the_page_fetches_nothing_and_is_made_the_same_again(tmp_path):
    text = html.write(report_results.a_run(gpus=1), tmp_path).read_text(encoding="utf-8")
    assert not re.search(r"""src=["'](?!data:)|<link [^>]*href=["'](?!data:)|@import|url\((?!#)""", text)
    assert text == html.render(report_results.a_run(gpus=1))


def test_what_is_odd_about_the_clip_is_told_beside_it_and_only_then():
    run = report_results.a_run()
    assert "Note:" not in html.render(run)
    run.run.clip.tracks, run.run.clip.remarks = "video track 1 of 2", ["1 <picture> is missing"]
    head = html.render(run).split("<main>")[0]
    assert "with sound<br>Note: video track 1 of 2; 1 &lt;picture&gt; is missing<br>" in head


def test_the_queue_of_a_server_is_drawn_over_the_run():
    run = report_results.a_run()
    run.run.scenario = ScenarioSummary("server", 1, 1, 2, 0.5, None, 130, 7, 95, 30.0)
    run.served = Served(130, 130, 130, 120, "", QueueLength([1.0, 2.0, 3.0], [1, 5, 0]))
    queue = next(curve for curve in over_time(run).curves if curve.name == "queue")
    assert queue.summary == "2 on average, 5 clips at most"
    text = html.render(run)
    assert "130 clips that arrive at random, 0.5 per second (seed 7), in time within 30 s" in text
    assert "queue over the run: 2 on average" in text
    assert "Latency of each clip" not in text
    run.run.passes = [
        PassSummary(False, n + 0.5, n + 1 + n / 100, "a.mp4", arrived_s=float(n)) for n in range(130)
    ]
    text = html.render(run)
    assert text.count("<title>clip ") == 130 and "<title>clip 130: 2.29</title>" in text
    run.run.scenario.rate = None
    assert "130 clips that arrive at the times of a file, in time within 30 s" in html.render(run)
