"""The clips that come with clipbench are what their scripts render, and their truth fits the files."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml

from tools.rendered_clips.scenes import NAMES

CLIPS = Path(__file__).resolve().parents[3] / "clips"
#: Frames of each clip that are rendered again: of every shot, and where something is special.
LOOKED_AT = {
    "reference": [3, 75, 91, 120, 170, 290],
    "second": [0, 30, 80, 110, 140, 180, 215, 240, 270],
    "negative": [2, 130, 237],
}


class Rendered(NamedTuple):
    """A clip: its name, script and truth, and every frame of its file as a small grey picture, float32."""

    name: str
    script: object
    truth: dict
    film: list[np.ndarray]

    @property
    def fps(self) -> int:
        return self.truth["clip"]["fps"]

    @property
    def frames(self) -> int:
        return self.truth["clip"]["frames"]


@pytest.fixture(scope="module", params=NAMES)
def clip(request) -> Rendered:
    import av

    from tools.rendered_clips.scenes import load_script

    truth = json.loads((CLIPS / f"{request.param}.json").read_text(encoding="utf-8"))
    with av.open(str(CLIPS / f"{request.param}.mp4")) as container:
        film = [small(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    return Rendered(request.param, load_script(request.param), truth, film)


def small(grey: np.ndarray) -> np.ndarray:
    import cv2

    scale = 320 / max(grey.shape)
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a - b) ** 2), 1e-9)))


def test_sources_are_the_files_that_are_credited():
    credits = yaml.safe_load((CLIPS / "sources" / "SOURCES.yaml").read_text(encoding="utf-8"))
    for entry in credits:
        content = (CLIPS / "sources" / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
        assert entry["author"] and entry["licence"] and entry["from"]
    there = {path.name for path in (CLIPS / "sources").iterdir()} - {"SOURCES.yaml"}
    assert there == {entry["file"] for entry in credits}


def test_no_clip_shows_or_lets_hear_what_another_does():
    """Otherwise what was chosen with one clip in view would be chosen for the other too."""
    from tools.rendered_clips.scenes import load_script

    def files(name: str) -> set[str]:
        data = load_script(name).data
        return {e["file"] for e in [*data["photographs"].values(), *data["speech"]] if "file" in e}

    for one, other in itertools.combinations(NAMES, 2):
        assert not files(one) & files(other)


def test_each_clip_can_be_chosen_and_is_small(clip):
    named = yaml.safe_load((CLIPS.parent / "conf" / "clip" / f"{clip.name}.yaml").read_text(encoding="utf-8"))
    assert named == {"path": f"${{packaged:clips/{clip.name}.mp4}}", "truth": None}
    assert (CLIPS / f"{clip.name}.mp4").stat().st_size < 2.1e6


def test_the_truth_is_of_this_file_and_can_be_read(clip):
    from clipbench.bench.quality.truth import load_truth

    film = CLIPS / f"{clip.name}.mp4"
    checksum = hashlib.sha256(film.read_bytes()).hexdigest()
    truth, reason = load_truth(film, None, checksum)
    assert truth is not None, reason
    assert truth.sha256 == checksum


def test_the_format_is_as_announced(clip):
    import av

    with av.open(str(CLIPS / f"{clip.name}.mp4")) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert [video.width, video.height] == list(clip.script.size)
        assert video.average_rate == clip.fps
        times = sorted(frame.time for frame in container.decode(video=0))
    assert times == pytest.approx(np.arange(clip.frames) / clip.fps, abs=1e-3)


def test_a_frame_is_the_same_each_time_and_in_the_file(clip):
    import cv2

    from tools.rendered_clips.drawing import render
    from tools.rendered_clips.pictures import photograph, prepared

    for index in LOOKED_AT[clip.name]:
        first = render(clip.script, index)
        photograph.cache_clear()
        prepared.cache_clear()
        assert np.array_equal(first, render(clip.script, index))
        # Not by the file's checksum: the encoder does not give the same bytes each time.
        grey = small(cv2.cvtColor(first, cv2.COLOR_RGB2GRAY))
        around = range(max(0, index - 2), min(clip.frames, index + 3))
        near = {i: psnr(grey, levelled(clip.film[i], grey)) for i in around}
        assert near[index] > 30
        assert near[index] >= max(near.values()) - 1, "the file is a frame or more off"


def levelled(image: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`image` with the mean and spread of `like`: video range and full range then compare."""
    return (image - image.mean()) / max(image.std(), 1e-6) * like.std() + like.mean()


def test_pictures_change_at_the_cuts(clip):
    change = [float(np.abs(a - b).mean()) for a, b in itertools.pairwise(clip.film)]
    for cut in clip.truth["cuts"]:
        index = round(cut["time_s"] * clip.fps)
        around = [change[i] for i in range(index - 5, index + 4) if i != index - 1]
        assert change[index - 1] > 2 * np.median(around), cut


def test_silence_is_silent_and_speech_is_not(clip):
    from tools.rendered_clips.soundtrack import RATE, mix

    samples = mix(clip.script)
    assert len(samples) == RATE * clip.frames / clip.fps

    def loudest(span: dict) -> float:
        return float(np.abs(samples[round(span["start_s"] * RATE) : round(span["end_s"] * RATE)]).max())

    assert all(loudest(s) == 0 and s["end_s"] - s["start_s"] >= 0.5 for s in clip.truth["silence"])
    assert all(loudest(word) > 0.02 for word in clip.truth["words"])


def test_words_follow_one_another_and_make_the_transcript(clip):
    words = clip.truth["words"]
    assert [w["word"] for w in words] == clip.truth["transcript"].split()
    times = [t for w in words for t in (w["start_s"], w["end_s"])]
    assert times == sorted(times)
    assert all(0 <= t <= clip.truth["clip"]["duration_s"] for t in times)


def test_shots_cover_the_clip_without_gaps(clip):
    edges = [(s["start_s"], s["end_s"]) for s in clip.truth["shots"]]
    assert edges[0][0] == 0 and edges[-1][1] == clip.truth["clip"]["duration_s"]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))


def test_coordinates_are_in_the_frame_and_times_in_their_shot(clip):
    truth = clip.truth
    for track in truth["objects"] + truth["ignore"] + truth.get("faces", []):
        for sample in track["samples"]:
            x1, y1, x2, y2 = sample["box"]
            assert 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1, track["label" if "label" in track else "id"]
    for track in truth["objects"] + truth["poses"] + truth.get("faces", []):
        times = [sample["time_s"] for sample in track["samples"]]
        assert any(s["start_s"] <= times[0] and times[-1] < s["end_s"] for s in truth["shots"])
    for track in truth["poses"]:
        for sample in track["samples"]:
            assert all(0 <= v <= 1 for point in sample["keypoints"].values() for v in point)


def test_the_truth_is_what_the_script_says(clip, monkeypatch):
    from tools.rendered_clips.truth import ground_truth

    truth = clip.truth
    monkeypatch.setattr("tools.rendered_clips.truth.pitch", lambda script: truth["pitch"])  # the slow part
    made = json.loads(json.dumps(ground_truth(clip.script)))
    assert made.keys() == truth.keys()
    for key in made.keys() - {"clip", "colors", "lufs"}:
        assert made[key] == truth[key], key
    assert made["lufs"] == pytest.approx(truth["lufs"], abs=0.05)
    for a, b in zip(made["colors"], truth["colors"], strict=True):
        assert a["brightness"] == pytest.approx(b["brightness"], abs=0.01)


def test_nothing_is_labelled_where_nothing_is_to_be_seen(clip):
    frames = {round(s["time_s"] * clip.fps) for track in clip.truth["objects"] for s in track["samples"]}
    assert all(clip.script.visible(index) for index in frames)
    if clip.name == "reference":
        assert frames and 103 not in frames  # the flash


def test_the_negative_clip_claims_that_nothing_is_there():
    truth = json.loads((CLIPS / "negative.json").read_text(encoding="utf-8"))
    for key in (
        "cuts",
        "fades",
        "effects",
        "texts",
        "objects",
        "ignore",
        "poses",
        "faces",
        "words",
        "speech",
    ):
        assert truth[key] == [], key
    assert truth["transcript"] == ""
    assert len(truth["masks"]) == 60 and all(m["polygons"] == [] for m in truth["masks"])
    assert [c["motion"] for c in truth["camera"]] == ["static"]
    assert truth["silence"]


def test_things_move_in_the_negative_clip_while_the_camera_stands():
    import av

    with av.open(str(CLIPS / "negative.mp4")) as container:
        film = [small(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    change = np.abs(film[0] - film[120])
    assert np.mean(change > 8) > 0.1  # shadows, leaves and water
    assert np.abs(np.diff([frame.mean() for frame in film])).max() < 1  # and no flash among them


def test_the_file_is_as_loud_as_the_truth_says(clip):
    """Sound near the gate would count before the encoder and not after it."""
    import av
    import pyloudnorm

    with av.open(str(CLIPS / f"{clip.name}.mp4")) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert pyloudnorm.Meter(48_000).integrated_loudness(samples) == pytest.approx(clip.truth["lufs"], abs=0.2)
