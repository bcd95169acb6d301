"""object_detection and body_pose on YOLO: random, from a checkpoint, and beside ultralytics' predictor."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from clipbench.analyzers import threads
from clipbench.analyzers.body_pose import KEYPOINTS
from clipbench.analyzers.features.vision.nanodet import COCO
from clipbench.analyzers.production import torchvision_cpu, yolo
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.random_weights import initialise, settle_batch_norm
from clipbench.analyzers.registry import back_ends
from tests.support.chunks import fed
from tests.support.clip_views import ArrayClip
from tests.support.same_segments import same

# Not imported here: that is yolo.library's part.
missing = importlib.util.find_spec("ultralytics") is None
pytestmark = pytest.mark.skipif(missing, reason="ultralytics is not installed")
NAMES = ("object_detection", "body_pose")


def back_end(name, **settings):
    cls = back_ends()[name]
    return cls(cls.settings_type(**{"profile": "random", "model_size": "tiny", **settings}))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


def clip(count: int = 6):
    frames = np.random.default_rng(0).integers(0, 256, (6, 90, 160, 3), np.uint8)[:count]
    return ArrayClip(frames, fps=3)


@pytest.fixture(scope="module", params=NAMES)
def loaded(request):
    ready = back_end(request.param)
    ready.load("cpu")
    return ready


@pytest.fixture(scope="module", params=NAMES)
def checkpoint(request, tmp_path_factory):
    """The tiny network in a file as ultralytics writes it, with weights that see something."""
    ready = back_end(request.param)
    net = ready.build()
    initialise(net)
    settle_batch_norm(net, (2, 3, 160, 160))
    path = tmp_path_factory.mktemp("weights") / ready.file.name
    names = dict(enumerate(COCO)) if request.param == "object_detection" else {0: "person"}
    net.names, net.args, net.task = names, {"task": "pose" if len(names) == 1 else "detect"}, None
    net.task = net.args["task"]
    torch.save({"model": net, "ema": None, "train_args": net.args}, path)
    return request.param, path


def test_segments_are_in_the_embedded_format(loaded):
    segments = loaded.analyze(clip(), {})
    assert segments
    assert [s.start_s for s in segments] == sorted(s.start_s for s in segments)
    for segment in segments:
        x1, y1, x2, y2 = segment.data["box"]
        assert 0 <= x1 <= x2 <= 1
        assert 0 <= y1 <= y2 <= 1
        assert 0 <= segment.confidence <= 1
        if loaded.name == "object_detection":
            assert segment.label in COCO
        else:
            assert tuple(segment.data["keypoints"]) == KEYPOINTS
            assert all(len(at) == 3 for at in segment.data["keypoints"].values())


def test_no_frame_gets_more_than_is_usual_in_pictures(loaded):
    starts = [s.start_s for s in loaded.analyze(clip(), {})]
    assert max(starts.count(start) for start in set(starts)) <= yolo.RANDOM_OBJECTS


def test_the_tiny_network_is_tiny(loaded):
    assert sum(p.numel() for p in loaded.networks["yolo"].parameters()) < 1_000_000
    assert loaded.facts() == {"batch": 6}  # all frames


@pytest.mark.parametrize("count", [6, 5])
def test_batches_change_nothing(loaded, count, monkeypatch):
    """Nor does what the last of them is filled up with, so that all have one shape."""
    small = back_end(loaded.name, batch=3)
    small.place("cpu", **loaded.networks)
    shapes = []
    with monkeypatch.context() as patch:
        original = yolo.letterbox
        patch.setattr(yolo, "letterbox", lambda f, side: shapes.append(f.shape) or original(f, side))
        found = small.analyze(clip(count), {})
    assert shapes == [(3, 3, 90, 160)] * 2
    for one, other in zip(found, loaded.analyze(clip(count), {}), strict=True):
        assert one.label == other.label
        assert one.data["box"] == pytest.approx(other.data["box"], abs=1e-3)


@pytest.mark.parametrize("cuts", [(0.37, 0.4, 0.5, 1.2), (1.0,), (2 / 3, 4 / 3)])
def test_chunks_change_nothing(loaded, cuts):
    """With chunks without a frame and of one; batches of other sizes change the last digits of a score."""
    found, whole = fed(loaded, clip(), {}, *cuts), loaded.analyze(clip(), {})
    same([asdict(one) for one in found], [asdict(one) for one in whole], loaded.name)


def test_numbers_that_are_none_are_no_objects(loaded):
    """And what is loaded again finds the same again: random weights are the same every time."""
    before = loaded.analyze(clip(), {})
    for parameter in loaded.networks["yolo"].parameters():
        parameter.data.fill_(float("nan"))
    assert loaded.analyze(clip(), {}) == []
    loaded.unload()
    assert not loaded.networks
    loaded.load("cpu")
    assert loaded.analyze(clip(), {}) == before


def test_the_production_networks_have_the_published_numbers_of_parameters():
    """56,966,176 and 58.8 million: ultralytics' own figures for yolo11x and, with one class, yolo11x-pose."""
    counts = []
    for name in NAMES:
        ready = back_end(name, model_size="full")
        with torch.device("meta"):
            net, _ = yolo.library().parse_model(ready.layers(), ch=3, verbose=False)
        counts.append(sum(p.numel() for p in net.parameters()))
    assert counts[0] == 56_966_176
    assert counts[1] == pytest.approx(58.8e6, rel=0.01)


def test_pretrained_results_are_those_of_ultralytics(checkpoint, monkeypatch):
    name, path = checkpoint
    ready = back_end(name, profile="full", model_size="full", weights=str(path), size=160, min_score=0.25)
    ready.fetch()
    ready.load("cpu")
    found = ready.find(clip())
    from ultralytics import YOLO
    from ultralytics.utils.nms import TorchNMS

    torchvision_cpu.prepare()
    # torchvision's own suppression is not there without CUDA.
    monkeypatch.setattr("torchvision.ops.nms", TorchNMS.nms)

    images = list(clip().frames(3, 160).images[..., ::-1])
    predicted = YOLO(path).predict(images, imgsz=160, verbose=False, save=False, device="cpu")
    assert sum(map(len, found)) > 20
    for ours, theirs in zip(found, predicted, strict=True):
        boxes, scores, kinds = (getattr(theirs.boxes, part).numpy() for part in ("xyxyn", "conf", "cls"))
        assert len(ours) == min(len(boxes), ready.settings.max_objects)
        for one in ours:  # in any order: many are equally sure
            near = np.abs(boxes - one.box).max(1) < 1e-3
            same = np.flatnonzero(near & (np.abs(scores - one.score) < 1e-3) & (kinds == one.kind))
            assert same.size
            if name == "body_pose":
                points = theirs.keypoints.conf.numpy()[same]
                assert np.abs(points - one.points[:, 2]).max(1).min() < 1e-3


def test_a_folder_may_be_named_for_its_file(checkpoint):
    name, path = checkpoint
    ready = back_end(name, profile="full", model_size="full", weights=str(path.parent))
    assert ready.weights_file() == path


@pytest.mark.parametrize("name", NAMES)
def test_missing_weights_are_named_with_the_way_to_get_them(name, tmp_path):
    with pytest.raises(MissingWeights, match=r"yolo11x.*\.pt") as missing:
        back_end(name, profile="full", model_size="full", weights=str(tmp_path / "none")).fetch()
    assert f"models.production.{name}.weights" in missing.value.how
    assert "https://github.com/ultralytics/assets" in missing.value.how


def test_importing_ultralytics_leaves_the_process_and_the_home_folder_as_they_were(tmp_path):
    code = (
        "import os, cv2, torch, numpy as np; before = dict(os.environ), torch.save, np.get_printoptions();"
        "cv2.setNumThreads(3);"
        "from clipbench.analyzers.production import yolo; yolo.library();"
        "assert (dict(os.environ), torch.save, np.get_printoptions()) == before;"
        "assert cv2.getNumThreads() == 3"
    )
    environment = {k: v for k, v in os.environ.items() if k != "XDG_CONFIG_HOME"} | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert not (tmp_path / ".config" / "Ultralytics").exists()


def test_a_picture_is_letterboxed_in_grey():
    frames = torch.ones(1, 3, 90, 160)
    pictures, shape, margin = yolo.letterbox(frames, 320)
    assert pictures.shape == (1, 3, 192, 320)
    assert shape.tolist() == [320, 180]
    assert margin.tolist() == [0, 6]
    assert pictures[0, 0, 5, 0] == pytest.approx(114 / 255)
    assert pictures[0, 0, 6, 0] == 1


def test_of_objects_of_a_kind_that_overlap_the_best_stays():
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.45], [0, 0, 0.5, 0.5], [0.6, 0.6, 1, 1]])
    scores, kinds = np.array([0.8, 0.9, 0.7, 0.1]), np.array([1, 1, 2, 1])
    assert yolo.suppress(boxes, scores, kinds, 0.2, 0.7).tolist() == [1, 2]
