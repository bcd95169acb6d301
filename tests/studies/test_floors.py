"""The floors of production models: what is counted is what runs, and docs/gpu.md tells it."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pytest

from clipbench.analyzers.registry import back_ends, create
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import make_plan
from studies import floors
from tests.support.clip_views import ArrayClip
from tests.support.command_line import PROJECT
from tests.support.sounds import recording

torch = pytest.importorskip("torch")
PAGE = (PROJECT / "docs" / "gpu.md").read_text()
H100 = floors.GPUS["H100 SXM"]
#: Looks with the eyes of its neighbour in its group, scene_segmentation, at the same frames.
SHARES = {"content_quality"}


@pytest.fixture
def meter():
    from studies.operation_meter import Meter

    return Meter()


@pytest.fixture
def clip() -> ArrayClip:
    return ArrayClip(np.zeros((30, 90, 160, 3), np.uint8), fps=10, audio=recording("austen")[: 3 * 16000])


def empty(*shape: int) -> torch.Tensor:
    return torch.empty(*shape, dtype=torch.half, device="meta")


def measured(meter, net, *inputs: torch.Tensor):
    """The work of one run of `net` in half precision."""
    net = net.to("meta", torch.half)
    meter.know(net)
    with meter.on(), meter.phase("one"):
        net(*inputs)
    return meter.phases["one"]


def test_a_matrix_product_is_two_operations_an_element_and_reads_its_weights_once(meter):
    work = measured(meter, torch.nn.Linear(8, 16), empty(2, 7, 8))
    assert work.flops == {2: 2 * 14 * 8 * 16}
    assert work.weight_bytes == 2 * (8 * 16 + 16) and sum(work.weights.values()) == 8 * 16 + 16
    assert work.batch == 14 and set(work.reads.values()) == {1}


def test_a_convolution(meter):
    work = measured(meter, torch.nn.Conv2d(3, 4, 3, padding=1, bias=False), empty(5, 3, 10, 12))
    assert work.flops == {2: 2 * 5 * 10 * 12 * 4 * 3 * 9}
    assert work.weight_bytes == 2 * 4 * 3 * 9 and work.batch == 5 and work.operations == 1


def test_an_lstm_is_one_operation_that_reads_its_weights_once(meter):
    work = measured(meter, torch.nn.LSTM(8, 5, bidirectional=True), empty(7, 2, 8))
    assert work.flops == {2: 2 * 7 * 2 * 2 * 4 * 5 * (8 + 5)}
    assert work.weight_bytes == 2 * 2 * 4 * 5 * (8 + 5 + 2) and work.operations == 1


def test_attention_reads_keys_once_that_several_heads_share(meter, monkeypatch):
    monkeypatch.setattr("studies.operation_meter.CACHE", 0)
    with meter.on(), meter.phase("one"):
        torch.nn.functional.scaled_dot_product_attention(
            empty(1, 4, 10, 8), empty(1, 2, 20, 8), empty(1, 2, 20, 8), enable_gqa=True
        )
    work = meter.phases["one"]
    assert work.flops == {2: 2 * 2 * 4 * 10 * 20 * 8}
    assert work.activation_bytes == 2 * (4 * 10 * 8 + 2 * 2 * 20 * 8 + 4 * 10 * 8)


def test_what_starts_no_kernel_is_no_operation(meter):
    states = empty(2, 7, 8)
    with meter.on(), meter.phase("one"):
        torch.nn.functional.linear(states, empty(16, 8))  # a product and two views
        torch.empty_like(states).transpose(0, 1)
    assert meter.phases["one"].operations == 1 and meter.phases["one"].passing_bytes == 0


def test_a_norm_is_one_kernel_and_what_is_copied_is_counted(meter):
    states = empty(2, 7, 8)
    with meter.on(), meter.phase("one"):
        torch.nn.functional.rms_norm(states, (8,), empty(8), 1e-6)
        states[:, :, None].expand(2, 7, 3, 8).reshape(2, 21, 8)
    assert meter.phases["one"].operations == 2 and not meter.phases["one"].flops
    assert meter.phases["one"].passing_bytes == 2 * (1 + 3) * 2 * 7 * 8


def test_of_memory_that_stays_only_the_part_counts_that_is_written(meter):
    kept, place = empty(2, 50, 8), torch.zeros(1, dtype=torch.long, device="meta")
    with meter.on(), meter.phase("one"):
        kept.index_copy_(1, place, empty(2, 1, 8))
    assert meter.phases["one"].operations == 1 and meter.phases["one"].passing_bytes == 2 * 2 * 8


def test_an_activation_travels_where_no_cache_holds_it(meter):
    small = measured(meter, torch.nn.Conv2d(1, 1, 1), empty(1, 1, 1000, 1000))
    assert small.activation_bytes == 0
    meter.phases = {}
    large = measured(meter, torch.nn.Conv2d(1, 1, 1), empty(30, 1, 1000, 1000))
    assert large.activation_bytes == 2 * 2 * 30e6


def test_counted_as_pytorch_counts(meter):
    from torch.utils.flop_counter import FlopCounterMode

    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).to("meta", torch.half).train()
    with FlopCounterMode(display=False) as theirs:
        layer(empty(3, 11, 32))
    assert measured(meter, layer, empty(3, 11, 32)).flops.total() == theirs.get_total_flops()


def test_outside_of_phases_nothing_is_counted_and_the_device_is_answered_for(meter):
    with meter.on():
        torch.nn.Linear(8, 16, device="meta")(torch.empty(2, 8, device="meta"))
        unknown = torch.ones(3, device="meta")
        assert unknown.tolist() == [0, 0, 0] and not bool(unknown[0]) and unknown.cpu().sum() == 0
        assert unknown.nonzero()[0, 0] == 2
    assert meter.phases == {}


def test_floors_are_work_over_rates():
    from studies.operation_meter import Work

    work = Work(weight_bytes=int(3.35e9), activation_bytes=int(3.35e9), operations=7)
    work.flops.update({2: int(989.4e9), 4: int(66.9e9)})
    found = floors.row("group", "analyzer", "phase", work, H100)
    assert found.arithmetic_s == pytest.approx(2e-3) and found.memory_s == pytest.approx(2e-3)
    assert found.predicted_s == pytest.approx(4e-3) and found.floor_s == pytest.approx(2e-3)
    many = floors.row("group", "analyzer", "phase", Work(operations=1000), H100)
    assert many.predicted_s == pytest.approx(1e-2) and many.floor_s == 0
    replayed = floors.row("group", "analyzer", floors.REPLAYED[0], Work(operations=1000), H100)
    assert replayed.predicted_s == 0


def settings(*overrides: str):
    plan = make_plan(compose("models=random", *overrides))
    return {task.analyzer: task.settings for task in plan.tasks()}


@pytest.mark.parametrize("name", sorted(back_ends()))
def test_every_back_end_can_be_counted(name, clip):
    from studies.meta_device import on_meta_device

    analyzer = create(name, settings("models.size=tiny")[name])
    with on_meta_device() as meter:
        assert floors.counted(analyzer, clip, meter) == ""
    assert meter.phases
    if any(work.flops for work in meter.phases.values()):
        assert any(work.weights and work.batch for work in meter.phases.values())


def test_a_back_end_that_fails_says_so(clip, monkeypatch):
    from clipbench.analyzers.production import audio_environment
    from studies.meta_device import on_meta_device

    def broken(*_):
        raise RuntimeError("no values here")

    monkeypatch.setattr(audio_environment, "padded", broken)
    analyzer = create("audio_environment", settings("models.size=tiny")["audio_environment"])
    with on_meta_device() as meter:
        assert floors.counted(analyzer, clip, meter) == "RuntimeError: no values here"


def test_qwen_reads_all_of_its_language_half_for_every_token(clip):
    from studies.meta_device import on_meta_device

    analyzer = create(
        "qwen2_vl_temporal",
        settings("models.production.qwen2_vl_temporal.max_new_tokens=4")["qwen2_vl_temporal"],
    )
    with on_meta_device() as meter:
        assert floors.counted(analyzer, clip, meter) == ""
    decode = meter.phases["Qwen2-VL decode"]
    width, keys, inner, layers, vocabulary = 3584, 512, 18944, 28, 152064
    layer = 2 * width * width + 2 * width * keys + 3 * width * inner + width + 2 * keys
    weights = layers * layer + width * vocabulary
    assert sum(decode.weights.values()) == weights
    assert decode.weight_bytes == 3 * 2 * weights and decode.batch == 3
    products = 3 * 2 * 3 * (weights - layers * (width + 2 * keys))
    assert products < decode.flops.total() < 1.02 * products  # the rest is attention


def test_the_command_prints_and_writes(tmp_path, capsys):
    written = tmp_path / "floors.json"
    arguments = ["only=[audio_environment]", "models.size=tiny", "--json", str(written)]
    assert floors.main([*arguments, "--gpu", "H200 SXM"]) == 0
    printed = capsys.readouterr().out
    assert "audio_environment: AST" in printed and "4.8 TB/s" in printed
    found = json.loads(written.read_text())
    counted = [(r["analyzer"], r["phase"]) for r in found["rows"]]
    assert counted == [("audio_environment", "spectrum"), ("audio_environment", "AST")]
    assert all(r["gflop"] > 0 for r in found["rows"])
    assert found["not_counted_to_the_end"] == {}


def test_the_page_has_the_floors_of_every_back_end():
    told = {name for name in back_ends() if re.search(rf"^\| \w+ +\| {name}: ", PAGE, re.MULTILINE)}
    assert told == back_ends().keys() - SHARES


def test_the_page_names_every_back_end_with_its_models():
    defaults = settings()
    for name in back_ends():
        analyzer = create(name, defaults[name])
        row = re.search(rf"^\| {name} \|.*", PAGE, re.MULTILINE)
        assert row, name
        assert analyzer.models()[0] in row.group(), name
        planned = re.search(rf"^.* {name} .* {analyzer.memory_gb:g} GB", PAGE, re.MULTILINE)
        assert planned, f"the plan on the page is not what plan=true says of {name}"


def commands() -> list[list[str]]:
    """The page's command lines of run.py, as words."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if "run.py" in line]


def test_the_page_has_commands():
    assert len(commands()) >= 5


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_run_py_accepts(words):
    overrides = words[words.index("run.py") + 1 :]
    if "--cfg" in overrides:
        overrides = overrides[: overrides.index("--cfg")]
    assert make_plan(compose(*overrides)).groups
