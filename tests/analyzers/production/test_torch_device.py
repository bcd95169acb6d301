"""The device of the back ends, as far as a machine without a GPU can tell."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from clipbench.analyzers.production import recording, torch_device
from clipbench.analyzers.production.base import require_package
from clipbench.analyzers.production.normalisation import IMAGENET, standardise
from clipbench.analyzers.registry import back_ends
from tests.support.clip_views import ArrayClip


def test_precision_follows_the_device():
    assert torch_device.precision("cpu") == torch.float32
    assert torch_device.precision("cuda:1") == torch.float16
    assert torch_device.precision("cuda", "bfloat16") == torch.bfloat16


def test_pictures_are_standardised_by_channel():
    pixels = torch.rand(2, 3, 4, 5)
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in IMAGENET)
    assert torch.allclose(standardise(pixels, *IMAGENET), (pixels - mean) / deviation)


def test_workspaces_are_given_back_unless_a_recording_holds_their_addresses(monkeypatch):
    done = []
    monkeypatch.setattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: done.append("clear"), raising=False)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("empty"))
    torch_device.release("cuda")
    assert done == ["empty"]
    decoder = torch.nn.Linear(1, 1)
    recording.recorders.add(decoder)
    torch_device.release_all("cuda")
    assert "clear" not in done
    del decoder
    torch_device.release_all("cuda")
    assert done[-2:] == ["clear", "empty"]
    torch_device.release_all("cpu")
    assert done.count("clear") == 1


def test_the_host_sleeps_while_it_waits(monkeypatch):
    made = []

    class Event:
        def __init__(self, **options):
            made.append(options)

        def record(self, stream): ...

        def synchronize(self):
            made.append("waited")

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
    torch_device.wait("cuda")
    assert made == [{"enable_timing": False, "blocking": True}, "waited"]
    torch_device.wait("cpu")
    assert len(made) == 2


@pytest.mark.parametrize("before", [True, False])
def test_cudnn_s_attention_is_off_meanwhile_and_then_as_it_was(before):
    enabled, found = torch.backends.cuda.cudnn_sdp_enabled, torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(before)
    try:
        with torch_device.no_cudnn_attention("cpu"):
            assert enabled() == before
        with pytest.raises(RuntimeError), torch_device.no_cudnn_attention("cuda:1"):
            assert not enabled()
            raise RuntimeError
        assert enabled() == before
        first, second = (torch_device.no_cudnn_attention("cuda") for _ in range(2))
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)  # as threads do, the first one of which is done first
        assert not enabled()
        second.__exit__(None, None, None)
        assert enabled() == before
    finally:
        torch.backends.cuda.enable_cudnn_sdp(found)


def test_a_package_that_is_not_there_is_named_with_what_to_do():
    require_package("torch")
    with pytest.raises(ModuleNotFoundError, match="no_such_package: run `make`"):
        require_package("no_such_package")


def test_importing_back_ends_imports_no_torch():
    code = "import sys; from clipbench.analyzers import registry; registry.back_ends();"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_timer_adds_up_each_phase():
    timer = torch_device.DeviceTimer("cpu")
    for phase in ("start", "prefill", "decode", "prefill"):
        timer.mark(phase)
    taken = timer.seconds()
    assert list(taken) == ["prefill", "decode"] and all(seconds >= 0 for seconds in taken.values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize(
    "name", ["object_detection", "body_pose", "text_overlay", "background_segmentation", "scene_segmentation"]
)
def test_the_host_waits_for_the_gpu_only_at_the_end(name, recwarn):
    clip = ArrayClip(np.random.default_rng(0).integers(0, 256, (9, 36, 64, 3), np.uint8), fps=3)
    cls = back_ends()[name]
    ready = cls(cls.settings_type(profile="random", model_size="tiny", batch=2))
    ready.load("cuda")
    ready.analyze(clip, {})
    clip.close()
    torch.cuda.set_sync_debug_mode("warn")  # of hidden waits; that of `download` is in the open
    try:
        ready.analyze(clip, {})
    finally:
        torch.cuda.set_sync_debug_mode("default")
        ready.unload()
    assert not [w for w in recwarn if "synchroniz" in str(w.message)]
