"""report.html in a real browser: at two widths, light, dark and printed, and with text from a video."""

from __future__ import annotations

import re

import pytest

from clipbench.reports import formatting
from clipbench.reports.drawing import html_page
from clipbench.reports.run import html
from tests.support import browser, report_results
from tests.support.minimal_result import a_result


@pytest.fixture(scope="module")
def chromium():
    with browser.session() as running:
        yield running


RUNS = {
    "good": report_results.a_run,
    "red": lambda: report_results.all_red(report_results.a_run()),
    "interrupted": report_results.interrupted,
    "one worker": lambda: report_results.a_run(workers=1, repeats=1),
    "ten workers": lambda: report_results.a_run(workers=10),
    "offline": report_results.offline,
    "unsampled": report_results.unsampled,
    "gpus": lambda: report_results.a_run(gpus=2),
    "hostile": lambda: report_results.hostile(report_results.a_run()),
    "long": lambda: report_results.hostile(report_results.a_run(), report_results.LONG.replace(" ", "")),
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
    shown = chromium.open(html.write(report_results.a_run(), tmp_path))
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
    run = report_results.all_red(report_results.a_run())
    run.warnings, run.analyzers[report_results.NAMES[3]].status = ["a warning"], "timeout"
    run.analyzers[report_results.NAMES[2]].stand_in, run.targets[1].status = "no model", "not_measured"
    shown = chromium.open(html.write(run, tmp_path), dark=dark)
    ratio, where = shown.run(CONTRAST)
    assert ratio >= 4.5, where


def test_text_from_outside_is_only_text(chromium, tmp_path):
    shown = chromium.open(html.write(report_results.hostile(report_results.a_run()), tmp_path))
    assert shown.run("document.scripts.length") == 1 and shown.run("document.images.length") == 0
    text = shown.run("document.body.textContent")
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in text
    assert "␀␛[31m" in text and not re.search("[\x00\x1b\u202e\ud800]", text)
    assert shown.problems == []


def test_a_script_that_got_in_would_not_run(chromium, tmp_path):
    path = html.write(report_results.a_run(), tmp_path)
    evil = "<script>document.title = 'evil'</script><img src='http://localhost:9/x.png'>"
    path.write_text(path.read_text(encoding="utf-8").replace("</main>", evil + "</main>"), encoding="utf-8")
    shown = chromium.open(path)
    assert shown.run("document.title") != "evil"
    assert any("Content Security Policy" in problem for problem in shown.problems)


def test_parts_and_zooms_are_chosen_by_keyboard_alone_and_without_a_script(chromium, tmp_path):
    path = html.write(report_results.a_run(), tmp_path)
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
    shown = chromium.open(html.write(report_results.a_run(), tmp_path))
    shown.run("document.querySelector('.frame').focus()")
    shown.press("ArrowRight")
    words_of = "document.querySelector('.part-1 output').textContent"
    first = shown.run(words_of)
    shown.press("ArrowRight")
    assert first and first != shown.run(words_of)
    shown.press("ArrowLeft")
    assert shown.run(words_of) == first


def test_a_missed_target_is_red_and_at_the_top(chromium, tmp_path):
    run = report_results.a_run()
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
    run = report_results.a_run()
    run.analyzers[report_results.NAMES[4]].status = "crashed"
    shown = chromium.open(html.write(run, tmp_path))
    bar = "document.querySelector('.part-1 .failed')"
    assert shown.run(f"getComputedStyle({bar}.querySelector('rect')).stroke") == "rgb(179, 32, 14)"
    assert shown.run(f"{bar}.querySelector('text').textContent").startswith("✗")
    assert shown.run("document.querySelectorAll('.part-1 .failed').length") == 1
