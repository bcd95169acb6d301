"""What the production back ends share of a device, as far as a machine without a GPU can tell."""

from __future__ import annotations

import copy
import gc
import subprocess
import sys

import numpy as np
import pytest
import torch

from clipbench.analyzers.production import device as shared
from clipbench.analyzers.registry import back_ends
from tests.support.clip_views import ArrayClip


def network() -> torch.nn.Module:
    layers = [
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 36, 5),
        torch.nn.LayerNorm(5),
    ]
    return torch.nn.Sequential(*layers)


class Clip(ArrayClip):
    """A clip that counts how often it is asked for frames."""

    asked = 0

    def frames(self, fps, size):
        self.asked += 1
        return super().frames(fps, size)


@pytest.fixture
def clip():
    return Clip(np.random.default_rng(0).integers(0, 256, (9, 36, 64, 3), np.uint8), fps=3)


def test_frames_are_uploaded_once_for_all_that_read_them(clip):
    first, again = shared.frames_on(clip, 3, 0, "cpu"), shared.frames_on(clip, 3, 0, "cpu")
    assert clip.asked == 1
    assert first is again
    assert first.dtype == torch.uint8
    assert first.shape == (9, 3, 36, 64)
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(first[4, 1].numpy(), clip.frames(3, 0).images[4, :, :, 1])


def test_frames_that_cannot_be_written_to_are_read_without_a_word(clip, recwarn):
    clip._frames.flags.writeable = False
    shared.frames_on(clip, 3, 0, "cpu")
    assert not recwarn.list


def test_random_weights_are_the_same_whatever_others_draw():
    one = shared.random_net(network, "cpu", torch.float32).state_dict()
    torch.rand(7)
    other = shared.random_net(network, "cpu", torch.float32).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_random_weights_keep_numbers_at_their_scale():
    wide = [torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.BatchNorm1d(512)) for _ in range(20)]
    net = shared.random_net(lambda: torch.nn.Sequential(*wide), "cpu", torch.float32).eval()
    out = net(torch.randn(64, 512, generator=torch.Generator().manual_seed(1)))
    assert 0.3 < out.std() < 3


def test_normalisation_is_the_identity_and_no_bias_is_left_to_chance():
    net = shared.random_net(network, "cpu", torch.bfloat16)
    assert (net[1].weight == 1).all()
    assert (net[4].weight == 1).all()
    assert not any(net[index].bias.any() for index in (0, 1, 3, 4))
    assert net[3].weight.dtype == torch.bfloat16
    assert net[3].weight.detach().float().std() == pytest.approx((8 * 36) ** -0.5, rel=0.1)


def test_constants_stay_what_they_are():
    net = torch.nn.Linear(3, 3)
    net.weight.requires_grad_(False).fill_(7)
    assert (shared.initialise(net).weight == 7).all()


def test_batch_normalisation_settles_on_what_it_sees():
    layer = [torch.nn.Conv2d(4, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.SiLU()]
    deep = [torch.nn.Conv2d(3, 4, 3), *(copy.deepcopy(one) for _ in range(20) for one in layer)]
    net = shared.random_net(lambda: torch.nn.Sequential(*deep), "cpu", torch.float32).eval()
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert net(picture).std() < 0.01
    shared.settle(net, (2, 3, 32, 32))
    assert not net.training
    assert net(picture).std() > 0.1


def test_parked_weights_come_back_as_they_were():
    net = shared.random_net(network, "cpu", torch.float32).to(memory_format=torch.channels_last)
    net.register_buffer("every_other", torch.arange(10.0)[::2])
    net.register_buffer("repeated", torch.arange(3.0).expand(4, 3))
    net.register_buffer("empty", torch.empty(0))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    parked = shared.Parked(net)
    for _ in range(2):
        parked.park()
        held = {tensor.untyped_storage().data_ptr() for tensor in net.state_dict().values() if tensor.numel()}
        assert len(held) == 1
        parked.wake("cpu")
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_back_end_gives_its_networks_up():
    back_end = shared.OnDevice()
    back_end.place("cpu", net=network())
    assert not back_end.nets["net"].training
    assert not any(parameter.requires_grad for parameter in back_end.nets["net"].parameters())
    back_end.offload()
    back_end.wake()
    back_end.unload()
    assert back_end.nets == {}


def test_pictures_are_standardised_by_channel():
    pixels = torch.rand(2, 3, 4, 5)
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in shared.IMAGENET)
    assert torch.allclose(shared.standardise(pixels, *shared.IMAGENET), (pixels - mean) / deviation)


def test_batches_cover_everything_once():
    assert [(s.start, s.stop) for s in shared.batches(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert list(shared.batches(0, 3)) == []


@pytest.mark.parametrize(
    ("count", "most", "size"), [(10, 32, 10), (10, 4, 4), (9, 4, 3), (5, 3, 3), (1, 1, 1)]
)
def test_batches_of_equal_size_take_no_more_runs(count, most, size):
    assert shared.equal_batch(count, most) == size
    assert len(list(shared.batches(count, size))) == len(list(shared.batches(count, most)))


def test_workspaces_are_given_back_unless_a_recording_holds_their_addresses(monkeypatch):
    done = []
    monkeypatch.setattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: done.append("clear"), raising=False)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("empty"))
    shared.release("cuda")
    assert done == ["empty"]
    decoder = network()
    shared.recorders.add(decoder)
    shared.release_all("cuda")
    assert "clear" not in done
    del decoder
    shared.release_all("cuda")
    assert done[-2:] == ["clear", "empty"]
    shared.release_all("cpu")
    assert done.count("clear") == 1


class Runtime:
    """Stands for CUDA's runtime: registers memory, or answers with an error."""

    def __init__(self, answer: int) -> None:
        self.answer, self.held = answer, []

    def cudaHostRegister(self, address: int, size: int, flags: int) -> int:
        self.held.append(address)
        return self.answer

    def cudaHostUnregister(self, address: int) -> None:
        self.held.remove(address)


def test_pinned_memory_is_unpinned_with_its_owner_and_before_it_is_freed(monkeypatch):
    runtime = Runtime(0)
    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
    memory, owner = torch.empty(8), network()
    shared.pin(memory, owner, "cpu")
    assert runtime.held == [memory.data_ptr()]
    del owner
    gc.collect()
    assert runtime.held == []


def test_a_refusal_to_pin_is_not_left_for_the_next_kernel(monkeypatch):
    runtime, asked = Runtime(712), []

    def fail(*shape, device):
        asked.append(device)
        raise RuntimeError("part or all of the requested memory range is already mapped")

    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
    memory, owner = torch.empty(8), network()
    monkeypatch.setattr(torch, "empty", fail)
    shared.pin(memory, owner, "cuda:1")
    del owner
    gc.collect()
    assert asked == ["cuda:1"] and runtime.held  # nothing that was refused is undone


def test_a_batch_is_what_the_free_memory_holds(monkeypatch):
    assert shared.fitting_batch(16, 1e9, "cpu") == 16
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8_000_000_000, 80_000_000_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2_000_000_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 0)
    share = 1.0
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device: share)
    assert shared.fitting_batch(16, 100, "cuda") == 16
    assert shared.fitting_batch(100, 100, "cuda") == 50
    assert shared.fitting_batch(16, 1e6, "cuda") == 1
    share = 0.05  # 4 of 80 GB, of which 2 are taken: executor.memory_fraction
    assert shared.fitting_batch(100, 100, "cuda") == 20


def test_results_come_back_together():
    one, two = shared.download(torch.arange(3), torch.ones(2, dtype=torch.bfloat16))
    assert one.tolist() == [0, 1, 2]
    assert two.dtype == np.float32


def test_precision_follows_the_device():
    assert shared.precision("cpu") == torch.float32
    assert shared.precision("cuda:1") == torch.float16
    assert shared.precision("cuda", "bfloat16") == torch.bfloat16


def test_a_package_that_is_not_there_is_named_with_what_to_do():
    shared.require("torch")
    with pytest.raises(ModuleNotFoundError, match="no_such_package: run `make`"):
        shared.require("no_such_package")


def test_importing_back_ends_imports_no_torch():
    code = "import sys; from clipbench.analyzers import registry; registry.back_ends();"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_on_a_gpu_frames_and_weights_make_the_same_journey(clip):
    frames = shared.frames_on(clip, 3, 0, "cuda")
    assert np.array_equal(shared.download(frames)[0], shared.frames_on(clip, 3, 0, "cpu").numpy())
    net = shared.random_net(network, "cuda", torch.float16)
    before = shared.download(*net.parameters())
    parked = shared.Parked(net)
    parked.park()
    assert not any(parameter.is_cuda for parameter in net.parameters())
    parked.wake("cuda")
    after = shared.download(*net.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
@pytest.mark.parametrize(
    "name", ["object_detection", "body_pose", "text_overlay", "background_segmentation", "scene_segmentation"]
)
def test_the_host_waits_for_the_gpu_only_at_the_end(name, clip, recwarn):
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
