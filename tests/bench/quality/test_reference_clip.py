"""The reference clip is what its script renders, and its ground truth fits what is in the file."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

CLIPS = Path(__file__).resolve().parents[3] / "clips"


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((CLIPS / "reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def script():
    from tools.reference_clip.scenes import load_script

    return load_script()


@pytest.fixture(scope="module")
def film() -> list[np.ndarray]:
    """Every frame of the file as a small grey picture, float32 [320, 180]."""
    import av
    import cv2

    with av.open(str(CLIPS / "reference.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    return [cv2.resize(f, (180, 320), interpolation=cv2.INTER_AREA).astype(np.float32) for f in frames]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a - b) ** 2), 1e-9)))


def test_the_truth_is_of_this_file(truth):
    assert hashlib.sha256((CLIPS / "reference.mp4").read_bytes()).hexdigest() == truth["clip"]["sha256"]


def test_sources_are_the_files_that_are_credited():
    credits = yaml.safe_load((CLIPS / "sources" / "SOURCES.yaml").read_text(encoding="utf-8"))
    for entry in credits:
        content = (CLIPS / "sources" / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
        assert entry["author"] and entry["licence"] and entry["from"]
    there = {path.name for path in (CLIPS / "sources").iterdir()} - {"SOURCES.yaml"}
    assert there == {entry["file"] for entry in credits}


def test_the_format_is_as_announced(truth):
    import av

    with av.open(str(CLIPS / "reference.mp4")) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height, video.average_rate) == (720, 1280, 30)
        times = sorted(frame.time for frame in container.decode(video=0))
    assert times == pytest.approx(np.arange(300) / 30, abs=1e-3)
    assert truth["clip"]["frames"] == 300


@pytest.mark.parametrize("index", [3, 75, 91, 120, 170, 290])
def test_a_frame_is_the_same_each_time_and_in_the_file(script, film, index):
    import cv2

    from tools.reference_clip.scenes import photograph, render

    first = render(script, index)
    photograph.cache_clear()
    assert np.array_equal(first, render(script, index))
    # Not by the file's checksum: the encoder does not give the same bytes each time.
    grey = cv2.cvtColor(first, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (180, 320), interpolation=cv2.INTER_AREA).astype(np.float32)
    near = {i: psnr(small, levelled(film[i], small)) for i in range(max(0, index - 2), min(300, index + 3))}
    assert near[index] > 30
    assert near[index] >= max(near.values()) - 1, "the file is a frame or more off"


def levelled(image: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`image` with the mean and spread of `like`: video range and full range then compare."""
    return (image - image.mean()) / max(image.std(), 1e-6) * like.std() + like.mean()


def test_pictures_change_at_the_cuts(truth, film):
    change = [float(np.abs(a - b).mean()) for a, b in itertools.pairwise(film)]
    for cut in truth["cuts"]:
        index = round(cut["time_s"] * 30)
        around = [change[i] for i in range(index - 5, index + 4) if i != index - 1]
        assert change[index - 1] > 2 * np.median(around), cut


def test_silence_is_silent_and_speech_is_not(truth, script):
    from tools.reference_clip.soundtrack import RATE, mix

    samples = mix(script)
    assert len(samples) == 10 * RATE

    def loudest(span: dict) -> float:
        return float(np.abs(samples[round(span["start_s"] * RATE) : round(span["end_s"] * RATE)]).max())

    assert all(loudest(s) == 0 and s["end_s"] - s["start_s"] >= 0.7 for s in truth["silence"])
    assert all(loudest(word) > 0.02 for word in truth["words"])


def test_words_follow_one_another_and_make_the_transcript(truth):
    assert [w["word"] for w in truth["words"]] == truth["transcript"].split()
    times = [t for w in truth["words"] for t in (w["start_s"], w["end_s"])]
    assert times == sorted(times)
    assert times[0] >= 0 and times[-1] <= 10


def test_shots_cover_the_clip_without_gaps(truth):
    edges = [(s["start_s"], s["end_s"]) for s in truth["shots"]]
    assert edges[0][0] == 0 and edges[-1][1] == 10
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))


def test_coordinates_are_in_the_frame_and_times_in_their_shot(truth):
    for track in truth["objects"] + truth["ignore"] + truth["faces"]:
        for sample in track["samples"]:
            x1, y1, x2, y2 = sample["box"]
            assert 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1, track["label" if "label" in track else "id"]
    for track in truth["objects"] + truth["poses"] + truth["faces"]:
        times = [sample["time_s"] for sample in track["samples"]]
        assert any(s["start_s"] <= times[0] and times[-1] < s["end_s"] for s in truth["shots"])
    for track in truth["poses"]:
        for sample in track["samples"]:
            assert all(0 <= v <= 1 for point in sample["keypoints"].values() for v in point)


def test_the_truth_is_what_the_script_says(truth, script, monkeypatch):
    from tools.reference_clip.truth import ground_truth

    monkeypatch.setattr("tools.reference_clip.truth.pitch", lambda script: truth["pitch"])  # the slow part
    made = json.loads(json.dumps(ground_truth(script)))
    for key in made.keys() - {"clip", "colors", "lufs"}:
        assert made[key] == truth[key], key
    assert made["lufs"] == pytest.approx(truth["lufs"], abs=0.05)
    for a, b in zip(made["colors"], truth["colors"], strict=True):
        assert a["brightness"] == pytest.approx(b["brightness"], abs=0.01)


def test_nothing_is_labelled_where_nothing_is_to_be_seen(truth, script):
    frames = {round(s["time_s"] * 30) for track in truth["objects"] for s in track["samples"]}
    assert frames and all(script.visible(index) for index in frames)
    assert 103 not in frames  # the flash
