"""The frames in report.html: marks where the segments have them, what is missing said, all text escaped."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from clipbench.analyzers.base import Segment
from clipbench.bench.measuring import shot_frames as kept
from clipbench.bench.runs import kept_frames
from clipbench.reports.run import found_marks, html, shot_frames
from tests.support import browser, report_results, shown_frames
from tests.support.minimal_result import a_result

KINDS = ("objects", "people", "texts", "faces", "poses")


@pytest.fixture(scope="module")
def chromium():
    with browser.session() as running:
        yield running


def page_of(folder) -> str:
    return html.write(report_results.a_run(), shown_frames.leave(report_results.a_run(), folder)).read_text()


def test_a_frame_of_each_shot_with_all_that_was_found_and_a_text_that_says_it(tmp_path):
    page = page_of(tmp_path)
    pictures = re.findall(r'<img src="data:image/jpeg;base64,[^"]+"[^>]* alt="([^"]*)"', page)
    assert len(pictures) == 3
    assert pictures[1] == (
        "Shot 2 of 3, at 3.00 s: objects: person 92 %; people cover 25 % of the picture; text: “EXIT”; "
        "faces: female, 31; poses: standing"
    )
    assert page.count(f"<br>{shown_frames.SENTENCE}") == 3


def test_marks_are_where_the_segments_have_them():
    found = {name: [segment] for name, segment in shown_frames.found_at(2.0, 4.0).items()}
    marks = found_marks.at_time(found, 2.0)
    person = marks.objects[0]
    assert (person.x, person.y, person.width, person.height) == pytest.approx((10, 20, 40, 70))
    assert marks.eyes == [(26.0, 20.0), (34.0, 20.0)]
    assert marks.poses[0].points == [(30.0, 20.0), (20.0, 40.0)]  # one shoulder is not seen: no limb
    assert marks.poses[0].limbs == []
    assert marks.mask.path == "M2 1H6V3H2z" and marks.mask.share == 0.25
    for time_s in (1.99, 4.0):
        assert found_marks.at_time(found, time_s) == found_marks.Marks()


@pytest.mark.parametrize("width", [1, 3, 7])
def test_a_mask_covers_its_cells_and_no_others(width):
    import random

    rng = random.Random(width)
    for _ in range(30):
        cells = [rng.random() < 0.5 for _ in range(width * 5)]
        runs = [(at, at + 1) for at, there in enumerate(cells) if there]
        covered = [0] * len(cells)
        for found in re.findall(r"M(\d+) (\d+)H(\d+)V(\d+)H\1z", found_marks.path_of(runs, width)):
            left, top, right, bottom = map(int, found)
            for row in range(top, bottom):
                for column in range(left, right):
                    covered[row * width + column] += 1
        assert covered == [int(there) for there in cells]


@pytest.mark.parametrize(
    "data",
    [
        {"box": "everywhere"}, {"box": [0, 0, 1]}, {"box": [0.5, 0.5, 0.5, 0.9]},
        {"box": [0, 0, float("nan"), 1]},
        {"mask": {"size": [2, 2], "counts": [1, 2]}}, {"mask": {"size": [0, 0], "counts": [0]}}, {"mask": 7},
        {"keypoints": {"nose": ["left", 2, 3]}}, {"keypoints": [1]}, {"iris": {"left": [1]}}, {},
    ],
)  # fmt: skip
def test_what_has_no_usable_place_is_not_drawn(data):
    names = shown_frames.found_at(0, 1)
    found = {name: [Segment(0, 1, "x", 0.5, data)] for name in names}
    assert found_marks.at_time(found, 0.5) == found_marks.Marks()


def test_a_hostile_label_is_only_text(tmp_path):
    folder = shown_frames.leave(report_results.a_run(), tmp_path, text=report_results.HOSTILE)
    page = html.write(report_results.a_run(), folder).read_text()
    assert (
        "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "onerror=alert(2)>" not in page
    )
    assert not re.search("[\x00\x1b\u202e\ud800]", page)


def test_a_stand_in_is_marked_beside_each_sentence(tmp_path):
    run = report_results.a_run()
    assert "stand-in" not in html.render(run, shown_frames.leave(run, tmp_path))
    run.analyzers["qwen2_vl_temporal"].stand_in = "there is no such model here"
    section = html.render(run, tmp_path).partition('class="card stills"')[2].partition("</section>")[0]
    assert section.count("stand-in") == 4 and "there is no such model here" in section


def test_a_missing_picture_a_missing_clip_and_a_damaged_folder_are_said(tmp_path):
    run = report_results.a_run()
    shown_frames.leave(run, tmp_path)
    (tmp_path / "frames" / "1-02.jpg").unlink()
    page = html.render(run, tmp_path)
    assert "The picture is missing: frames/1-02.jpg" in page and page.count("<img ") == 2
    index = tmp_path / "frames" / "frames.json"
    index.write_text(json.dumps({"schema": 1, "clips_in_all": 9, "clips": [
        {"clip": "a.mp4", "segments": "segments", "reason": "it does not exist"}]}))  # fmt: skip
    page = html.render(run, tmp_path)
    assert "No frames: it does not exist." in page and "Frames of 1 of the 9 clips are shown." in page
    (tmp_path / "segments" / "text_overlay.json").write_text("{")
    index.write_text("{")
    assert "frames/frames.json cannot be read" in html.render(run, tmp_path)


def test_segments_that_cannot_be_read_cost_their_marks_only(tmp_path):
    run = report_results.a_run()
    shown_frames.leave(run, tmp_path)
    (tmp_path / "segments" / "object_detection.json").write_text('[{"label": 3}]')
    (tmp_path / "segments" / "body_pose.json").unlink()
    page = html.render(run, tmp_path)
    assert "What object_detection found cannot be read" in page
    assert "text: “EXIT”" in page and "person 92 %" not in page


def test_no_frames_no_section(tmp_path):
    run = report_results.a_run()
    shown_frames.leave(run, tmp_path)
    section = 'aria-labelledby="stills"'
    assert section in html.render(run, tmp_path) and section not in html.render(run)
    assert shot_frames.stills(run, None) is None
    assert shot_frames.stills(run, tmp_path / "elsewhere") is None
    simulated = dataclasses.replace(run.run, simulated=object())
    assert shot_frames.stills(dataclasses.replace(run, run=simulated), tmp_path) is None


def test_a_report_that_is_made_elsewhere_has_the_frames_of_its_run(tmp_path, monkeypatch, capsys):
    from clipbench.reports.rerender import rerender

    shown_frames.leave(a_result(), tmp_path / "run")
    (tmp_path / "out").mkdir()
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "run"), "--folder", str(tmp_path / "out")])
    rerender("report.html", html.write)
    assert (tmp_path / "out" / "report.html").read_text().count("<img ") == 3


def test_a_page_with_as_many_frames_as_there_may_be_is_below_a_megabyte(tmp_path):
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (kept.SIDE, kept.SIDE, 3), np.uint8)
    data = kept.jpeg(noise)  # nothing is harder to compress
    assert len(data) <= kept.MOST_BYTES
    run = report_results.a_run()
    shown_frames.leave(run, tmp_path, shots=kept.MOST_FRAMES)
    for path in (tmp_path / "frames").glob("*.jpg"):
        path.write_bytes(data.ljust(kept.MOST_BYTES, b"\0"))
    assert html.write(run, tmp_path).stat().st_size < 1_000_000


def test_nothing_over_the_edge_and_marks_lie_on_the_picture(chromium, tmp_path):
    for text in ("EXIT", report_results.HOSTILE, report_results.LONG.replace(" ", "")):
        folder = shown_frames.leave(report_results.a_run(), tmp_path, text=text)
        shown = chromium.open(html.write(report_results.a_run(), folder))
        looks = [{"width": width, "dark": dark} for width in (400, 1400) for dark in (False, True)]
        for look in (*looks, {"width": 794, "printed": True}):
            shown.show(**look)
            assert shown.overflow() == [], look
        assert shown.problems == [] and shown.run("document.scripts.length") == 1
        assert shown.run("document.images.length") == 3
        assert shown.run("[...document.images].every((one) => one.complete && one.naturalWidth === 640)")
    places = """[".still img", ".still .objects rect"].map((one) => {
      const box = document.querySelector(one).getBoundingClientRect();
      return [box.left, box.top, box.width, box.height]; })"""
    for width in (400, 1400):
        shown.show(width)
        (left, top, wide, high), box = shown.run(places)
        assert box == pytest.approx([left + 0.1 * wide, top + 0.2 * high, 0.4 * wide, 0.7 * high], abs=0.5)


def test_a_checkbox_hides_its_marks_without_a_script_and_the_keyboard_reaches_it(chromium, tmp_path):
    from clipbench.reports.drawing import html_page

    path = tmp_path / "report.html"
    path.write_text(page_of(tmp_path).replace(html_page.SCRIPT, ""), encoding="utf-8")
    shown = chromium.open(path)
    for kind in KINDS:
        display = f"getComputedStyle(document.querySelector('.still .{kind}')).display"
        assert shown.run(display) == "inline", kind
        shown.run(f"document.getElementById('layer-{kind}').click()")
        assert shown.run(display) == "none", kind
    shown.run("document.getElementById('layer-objects').focus()")
    assert shown.run("document.activeElement.id") == "layer-objects"


def test_there_is_nothing_to_read_of_a_run_that_kept_nothing(tmp_path):
    assert kept_frames.read(tmp_path) is None
