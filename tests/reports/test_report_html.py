"""report.html: in a real browser, at two widths, light, dark and printed; and text out of a video is text."""

from __future__ import annotations

import re
import time

import pytest

from clipbench.bench.runs.baseline_outcome import Compared, Saved, SlowerAnalyzer
from clipbench.bench.runs.results import Result, ScenarioSummary
from clipbench.bench.runs.serialization import from_json
from clipbench.bench.runs.telemetry import GpusTelemetry, NotMeasured, Telemetry
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing import charts, html_page, timeline_svg
from clipbench.reports.drawing.over_time import over_time
from clipbench.reports.run import html
from tests.bench.runs.test_results import a_result
from tests.support import browser, samples
from tests.support.fake_nvml import GPM, SECOND, FakeNvml, Gpu, sample
from tests.support.fake_nvml import samples as recorded


@pytest.fixture(scope="module")
def chromium():
    with browser.session() as running:
        yield running


def interrupted() -> Result:
    """A run that was stopped in its first pass."""
    run = samples.a_run()
    run.run.interrupted, run.run.passes, run.run.cleanup = True, [], NotMeasured("it was interrupted")
    run.spans = [s for s in run.spans if s.end_s < 2.5]
    run.metrics[0].value, run.metrics[0].samples, run.metrics[0].reason = None, [], "no repeat was run"
    run.verdict, run.verdict_reason = "invalid", "the run was interrupted"
    return run


def unsampled() -> Result:
    run = samples.a_run()
    run.telemetry = NotMeasured("the sampler failed: no answer")
    return run


def offline() -> Result:
    """Clips under way at once."""
    run = samples.a_run(repeats=3)
    for one in run.run.passes[2:]:
        one.start_s -= 0.5
    run.run.scenario = ScenarioSummary("offline", 1, 3, in_flight=2)
    return run


RUNS = {
    "good": samples.a_run,
    "red": lambda: samples.all_red(samples.a_run()),
    "interrupted": interrupted,
    "one worker": lambda: samples.a_run(workers=1, repeats=1),
    "ten workers": lambda: samples.a_run(workers=10),
    "offline": offline,
    "unsampled": unsampled,
    "gpus": lambda: samples.a_run(gpus=2),
    "hostile": lambda: samples.hostile(samples.a_run()),
    "long": lambda: samples.hostile(samples.a_run(), samples.LONG.replace(" ", "")),
    "nothing": a_result,
}


@pytest.mark.parametrize("name", RUNS)
def test_no_error_no_request_and_nothing_over_the_edge(chromium, tmp_path, name):
    shown = chromium.open(html.write(RUNS[name](), tmp_path))
    assert shown.overflow() == []
    for look in ({"width": 400}, {"width": 400, "dark": True}, {"width": 1400, "dark": True}):
        shown.show(**look)
        assert shown.overflow() == [], look
    shown.show(width=794, printed=True)
    assert shown.overflow() == []
    assert shown.problems == []


def test_light_and_dark_follow_the_system_and_the_toggle(chromium, tmp_path):
    shown = chromium.open(html.write(samples.a_run(), tmp_path))
    ground = "getComputedStyle(document.body).backgroundColor"
    light = shown.run(ground)
    shown.show(1400, dark=True)
    dark = shown.run(ground)
    assert light != dark
    shown.run("document.getElementById('theme-light').click()")
    assert shown.run(ground) == light
    shown.show(1400)
    shown.run("document.getElementById('theme-dark').click()")
    assert shown.run(ground) == dark
    shown.show(794, printed=True)
    assert shown.run(ground) == "rgb(255, 255, 255)"


#: The lowest contrast of any text with the first opaque background around it, as WCAG 2 counts it.
CONTRAST = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (colour) => { const [r, g, b] = rgb(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92
    : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { const c = getComputedStyle(e).backgroundColor;
    return rgb(c)[3] ? c : e.parentElement ? ground(e.parentElement) : "white"; };
  let worst = [21, ""];
  for (const e of document.querySelectorAll("main *, header *")) {
    if (e.closest("svg") || ![...e.childNodes].some((n) => n.nodeType == 3 && n.data.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < worst[0]) worst = [(a + 0.05) / (b + 0.05), e.outerHTML.slice(0, 90)];
  }
  return worst;
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(chromium, tmp_path, dark):
    run = samples.all_red(samples.a_run())
    run.warnings, run.analyzers[samples.NAMES[3]].status = ["a warning"], "timeout"
    run.analyzers[samples.NAMES[2]].stand_in, run.targets[1].status = "no model", "not_measured"
    shown = chromium.open(html.write(run, tmp_path), dark=dark)
    ratio, where = shown.run(CONTRAST)
    assert ratio >= 4.5, where


def test_text_from_outside_is_only_text(chromium, tmp_path):
    shown = chromium.open(html.write(samples.hostile(samples.a_run()), tmp_path))
    assert shown.run("document.scripts.length") == 1 and shown.run("document.images.length") == 0
    text = shown.run("document.body.textContent")
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in text
    assert "␀␛[31m" in text and not re.search("[\x00\x1b\u202e\ud800]", text)
    assert shown.problems == []


def test_a_script_that_got_in_would_not_run(chromium, tmp_path):
    path = html.write(samples.a_run(), tmp_path)
    evil = "<script>document.title = 'evil'</script><img src='http://localhost:9/x.png'>"
    path.write_text(path.read_text(encoding="utf-8").replace("</main>", evil + "</main>"), encoding="utf-8")
    shown = chromium.open(path)
    assert shown.run("document.title") != "evil"
    assert any("Content Security Policy" in problem for problem in shown.problems)


def test_parts_and_zooms_are_chosen_by_keyboard_alone_and_without_a_script(chromium, tmp_path):
    path = html.write(samples.a_run(), tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(html_page.SCRIPT, ""), encoding="utf-8")
    shown = chromium.open(path)
    assert shown.run("document.scripts[0].textContent") == ""
    seen = "[...document.querySelectorAll('.part')].findIndex((e) => e.checkVisibility())"
    width = "document.querySelector('.timeline').getBoundingClientRect().width"
    assert shown.run(seen) == 0
    wide = shown.run(width)
    shown.run("document.getElementById('zoom-1').focus()")
    shown.press("ArrowRight")
    assert shown.run(width) == pytest.approx(4 * wide, rel=0.01)
    shown.run("document.getElementById('part-1').focus()")
    shown.press("ArrowRight")
    assert shown.run(seen) == 1
    shown.press("ArrowRight")
    shown.press("ArrowRight")
    assert shown.run(seen) == 3


def test_arrow_keys_read_the_bars(chromium, tmp_path):
    shown = chromium.open(html.write(samples.a_run(), tmp_path))
    shown.run("document.querySelector('.frame').focus()")
    shown.press("ArrowRight")
    words_of = "document.querySelector('.part-1 output').textContent"
    first = shown.run(words_of)
    shown.press("ArrowRight")
    assert first and first != shown.run(words_of)
    shown.press("ArrowLeft")
    assert shown.run(words_of) == first


def test_a_missed_target_is_red_and_at_the_top(chromium, tmp_path):
    run = samples.a_run()
    run.targets[5].status, run.verdict = "fail", "fail"
    run.verdict_reason = f"missed: {run.targets[5].metric}"
    shown = chromium.open(html.write(run, tmp_path))
    first = "document.querySelector('.targets li')"
    assert (
        shown.run(f"{first}.textContent").split()[0]
        == formatting.metric_label(run.targets[5].metric).split()[0]
    )
    assert "missed" in shown.run(f"{first}.textContent")
    assert shown.run("document.querySelector('h2').textContent").split() == ["✗", "verdict:", "fail"]
    red = shown.run("getComputedStyle(document.querySelector('.targets .fail .status')).color")
    assert red == "rgb(179, 32, 14)"


def test_an_analysis_that_went_wrong_is_marked_in_the_timeline(chromium, tmp_path):
    run = samples.a_run()
    run.analyzers[samples.NAMES[4]].status = "crashed"
    shown = chromium.open(html.write(run, tmp_path))
    bar = "document.querySelector('.part-1 .failed')"
    assert shown.run(f"getComputedStyle({bar}.querySelector('rect')).stroke") == "rgb(179, 32, 14)"
    assert shown.run(f"{bar}.querySelector('text').textContent").startswith("✗")
    assert shown.run("document.querySelectorAll('.part-1 .failed').length") == 1


def test_what_a_gpu_tells_is_drawn():
    began = time.monotonic()
    card = Gpu(gpm=GPM, buffer=lambda: recorded((time.time(), 55)))
    run = samples.a_run()
    sampled = from_json(GpusTelemetry, sample(FakeNvml(card, SECOND), times=3))
    run.telemetry.gpu = GpusTelemetry(devices=[device.since(began) for device in sampled.devices])
    curves = {curve.name: curve for curve in over_time(run).curves}
    assert {"GPU 0 utilisation", "GPU 0 SM activity", "GPU 0 memory", "GPU 0 power"} <= set(curves)
    assert curves["GPU 0 SM activity"].summary == "61.5 on average, 61.5 % at most"
    assert curves["GPU 1 memory"].summary == "2 on average, 2 GB at most"
    assert all(name in html.render(run) for name in curves)


def test_an_invalid_verdict_says_which_rule():
    run = samples.a_run()
    run.verdict, run.verdict_reason = "invalid", "only 2 of 20 analyzers ran"
    text = html.render(run)
    assert "verdict: invalid" in text and "only 2 of 20 analyzers ran" in text


def test_what_was_not_measured_says_why():
    text = html.render(unsampled())
    assert (
        "<b>CPU, memory, GPU utilisation, GPU SM activity, GPU memory, GPU power</b>: not measured: " in text
    )
    assert "the sampler failed: no answer" in text
    text = html.render(samples.a_run(gpus=1))
    assert "<b>GPU 0 SM activity</b>: not measured: NVML: Not Supported" in text
    text = html.render(interrupted())
    assert "not measured: no repeat was run" in text


def test_an_analyzer_that_went_wrong_is_first_with_its_reason():
    run = samples.a_run()
    lost = run.analyzers[samples.NAMES[7]]
    lost.status, lost.reason, lost.error = "timeout", "longer than 5 s", "Traceback: x"
    assert html.html_rows(run)[0].analyzer.name == samples.NAMES[7]
    text = html.render(run)
    assert "longer than 5 s" in text and "Traceback: x" in text and "(timeout in this run)" in text


def test_the_baseline_is_told():
    run = samples.a_run()
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


def test_twenty_repeats_are_quick_and_small(tmp_path):
    run = samples.a_run(workers=4, repeats=20, gpus=2)
    html.render(samples.a_run())  # reads the templates
    began = time.process_time()
    path = html.write(run, tmp_path)
    assert path.stat().st_size < 3e6
    assert time.process_time() - began < 3


def test_the_page_fetches_nothing_and_is_made_the_same_again(tmp_path):
    text = html.write(samples.a_run(gpus=1), tmp_path).read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)|@import|url\((?!#)""", text)
    assert text == html.render(samples.a_run(gpus=1))


def test_the_typical_and_the_slowest_pass_are_offered():
    run = samples.a_run(repeats=5)
    lengths = [p.end_s - p.start_s for p in run.run.passes]
    found = dict(timeline_svg.named_windows(run))
    assert list(found) == ["typical pass", "slowest pass", "cold start", "whole run"]
    typical, slowest = ((end - start) for start, end in (found["typical pass"], found["slowest pass"]))
    assert typical == sorted(lengths[1:])[2] and slowest == max(lengths[1:])
    assert found["cold start"] == (0.0, run.run.passes[0].end_s)
    assert next(iter(dict(timeline_svg.named_windows(offline())))) == "queue of 3 clips"


def test_a_very_long_run_is_cut_to_what_a_browser_can_take():
    run = samples.a_run(repeats=500)
    (name, (start, end)) = timeline_svg.named_windows(run)[-1]
    assert name == "whole run, its beginning" and start == 0.0
    drawn = sum(len(row.bars) for row in timeline_svg.layout(run, (start, end)).rows)
    assert 0.9 * timeline_svg.MAX_BARS < drawn <= timeline_svg.MAX_BARS
    assert len(html.render(run).encode()) < 3e6


def test_bars_are_where_the_spans_were():
    run = samples.a_run()
    run.spans = [
        Span("w", "a", "analyze", 1.0, 2.0, 0),
        Span("w", "b", "analyze", 4.0, 9.0, 0),
    ]
    drawn = timeline_svg.layout(run, (1.0, 5.0)).rows[0]
    assert [(b.x, b.width) for b in drawn.bars] == [(0.0, 25.0), (75.0, 25.0)] and drawn.busy == "50% busy"
    half = timeline_svg.layout(run, (1.0, 5.0), length_s=8.0)
    assert [(b.x, b.width) for b in half.rows[0].bars] == [(0.0, 12.5), (37.5, 12.5)] and half.end == 50.0
    assert "5.00 s, starting at 3.00 s" in drawn.bars[1].tooltip
    assert timeline_svg.timeline_svg(run, (1.0, 5.0)).count("<rect") == 3


def test_the_limit_is_drawn_only_where_the_repeats_can_still_be_told_apart():
    target = samples.a_run().targets[0]
    near, far = charts.repeat_strip([2.0, 2.5, 2.9], target), charts.repeat_strip([0.6, 0.61, 0.62], target)
    assert (
        near.axis.limits and not near.axis.beyond and all(x < near.axis.limits[0][0] for x, _, _ in near.dots)
    )
    assert not far.axis.limits and far.axis.beyond == "The limit 3 lies right of the axis."
    same = charts.repeat_strip([0.6, 0.6], None)
    assert [x for x, _, _ in same.dots] == [same.median] * 2 == [50.0] * 2


def test_long_series_keep_their_peaks():
    run = samples.a_run()
    many = 50_000
    times_s, cpu_percent = [0.2 * n for n in range(many)], [10.0] * many
    cpu_percent[777] = 200.0
    run.telemetry = Telemetry(times_s=times_s, cpu_percent=cpu_percent, rss_bytes=[])
    (curve,) = over_time(run).curves
    assert "V0.0" in curve.line and len(curve.line) < 20_000
    bars = charts.repeat_bars([1.0] * 999 + [2.0])
    assert len(bars) == charts.MAX_BARS and bars[-1].height == 100.0 and bars[0].height == 50.0
