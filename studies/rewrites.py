"""What rewritten networks spare: operations on the meta device, the library's way and ours.

    python -m studies.rewrites [--write]

Both are run in full size, for the seconds of the reference clip, on PyTorch's meta device, and counted by
the meter of the floors (operation_meter.py). Nothing is measured, and no GPU is needed. "Before" is the model
of transformers as it is, with its own static cache and masks of truth values, which is what a decoding step
of fixed shapes takes there; "after" are analyzers/production/qwen_layers.py and qwen_decoder.py. `--write`
puts the table into docs/gpu.md, between the marks there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

from studies.pages import markdown, write_between

if TYPE_CHECKING:
    import torch

    from studies.operation_meter import Meter, Work

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gpu.md"
BEGIN, END = "<!-- begin: python -m studies.rewrites --write -->", "<!-- end: rewrites -->"
#: The reference clip at the default settings of qwen2_vl_temporal: seconds, blocks of frames of each, visual
#: tokens of a block, tokens of a prompt with the model's own tokenizer, tokens written.
SECONDS, BLOCKS, CELLS, LENGTH, BUDGET = 10, 2, (16, 9), 330, 48
#: Frames of the clip that SegFormer segments, at most so many at a time, and the sides of its pictures.
FRAMES, BATCH, PIXELS = 20, 16, 640
#: Places of keys that Whisper has after the clip's last token: four of its prompt, and those before it.
HEARD = 31
#: Where the tests are that compare each rewrite with the library on the CPU, in float32.
LAYERS = "test_qwen_layers.py"
TOKENS = f"{LAYERS}::test_tokens_are_those_of_the_library_with_a_mask_and_copied_keys"
TESTS = Path(__file__).resolve().parent.parent / "tests" / "analyzers" / "production"


class Rewrite(NamedTuple):
    """A rewrite, one call of what, the work of that call before and after, and the test of its values."""

    name: str
    call: str
    before: Work
    after: Work
    test: str


def counts() -> list[Rewrite]:
    """All rewrites, counted; takes some seconds and less than a gigabyte."""
    from clipbench.analyzers.production import qwen_layers
    from studies.meta_device import on_meta_device

    with on_meta_device() as meter:
        plain, ours = (_qwen() for _ in range(2))
        qwen_layers.rewrite(ours)
        return [
            *_of_vision(meter, plain, ours),
            *_of_language(meter, plain, ours),
            _of_segformer(meter),
        ]


def whispers_step() -> tuple[Work, Work]:
    """A token of Whisper large-v3, in two parts: joining keys and values to those before, and all else."""
    import torch
    from whisper import Whisper
    from whisper.model import ModelDimensions

    from clipbench.analyzers.production import random_weights
    from clipbench.analyzers.production.speech_transcription import DIMENSIONS, halve
    from studies.meta_device import on_meta_device

    def joined(*args: Any, **kwargs: Any) -> torch.Tensor:
        with meter.phase("joined"):
            return join(*args, **kwargs)

    join, dimensions = torch.cat, ModelDimensions(**DIMENSIONS["full"])
    with on_meta_device() as meter:
        net = random_weights.random_network(lambda: Whisper(dimensions), "meta", torch.float32).eval()
        halve(net)
        cache, _ = net.install_kv_cache_hooks()
        shape = (1, dimensions.n_audio_ctx, dimensions.n_audio_state)
        heard = torch.empty(shape, dtype=torch.half, device="meta")
        before, token = (torch.empty(1, n, dtype=torch.long, device="meta") for n in (HEARD - 1, 1))
        net.decoder(before, heard, kv_cache=cache)
        with mock.patch.object(torch, "cat", joined), meter.phase("rest"):
            net.decoder(token, heard, kv_cache=cache)
        return meter.phases["joined"], meter.phases["rest"]


def _counted(meter: Meter, run: Callable[[], object]) -> Work:
    """The work of one run."""
    with meter.phase("one"):
        run()
    return meter.phases.pop("one")


def _both(meter: Meter, one: Any, other: Any, run: Callable[[Any], object]) -> tuple[Work, Work]:
    """The work of one run with each of two networks, or of two settings."""
    return _counted(meter, lambda: run(one)), _counted(meter, lambda: run(other))


def _network(library: str, name: str, half: str) -> Any:
    """A network of transformers on the meta device, in the type that it has on a GPU."""
    import torch

    from clipbench.analyzers.production import random_weights
    from clipbench.analyzers.production.hub import configuration, library_class

    cls = library_class(library)
    config = cls.config_class(**configuration(name, "full"))
    return random_weights.random_network(lambda: cls(config), "meta", getattr(torch, half)).eval()


def _qwen() -> Any:
    return _network("Qwen2VLForConditionalGeneration", "qwen2_vl", "bfloat16")


def _of_vision(meter: Meter, plain: Any, ours: Any) -> Iterator[Rewrite]:
    """The vision half, on the frames of all seconds."""
    import torch

    config = plain.config.vision_config
    rows, columns = (side * config.spatial_merge_size for side in CELLS)
    count = SECONDS * BLOCKS * rows * columns
    values = config.in_channels * config.temporal_patch_size * config.patch_size**2
    patches = torch.empty(count, values, dtype=plain.dtype, device="meta")
    both = _both(meter, plain, ours, lambda net: net.model.visual.patch_embed(patches))
    test = f"{LAYERS}::test_patches_times_weights_are_their_convolution"
    yield Rewrite("patch embedding as a matrix product", f"{count} patches", *both, test)

    sizes = torch.tensor([[BLOCKS, rows, columns]]).repeat(SECONDS, 1)
    places = torch.empty(count, 2, dtype=torch.long, device="meta")
    together = {
        "cu_seqlens": torch.tensor([0, count]),
        "max_seqlen": count,
        "block_length": rows * columns,
    }
    before = _counted(meter, lambda: plain.model.visual(patches, grid_thw=sizes, position_ids=places))
    after = _counted(
        meter, lambda: ours.model.visual(patches, grid_thw=sizes, position_ids=places, **together)
    )
    test = f"{LAYERS}::test_blocks_of_frames_see_themselves_and_nothing_else"
    yield Rewrite("all blocks of frames in one attention", "the vision half", before, after, test)


def _of_language(meter: Meter, plain: Any, ours: Any) -> Iterator[Rewrite]:
    """The language half: norms, prompts and steps, each by itself, and then all together."""
    import torch

    width = plain.config.text_config.hidden_size
    states = torch.empty(SECONDS, 1, width, dtype=plain.dtype, device="meta")
    norms = _both(meter, plain, ours, lambda net: net.model.language_model.norm(states))
    read, step = _passes(meter, plain, "static")
    _, growing = _passes(meter, plain, "growing")
    all_read, all_step = _passes(meter, ours)
    for module in ours.model.language_model.modules():
        if "norm" in type(module).__name__.lower():
            del module.forward  # the library's again
    our_read, our_step = _passes(meter, ours)
    prompts, one = f"{SECONDS} prompts of {LENGTH}", f"a token of {SECONDS} texts"
    yield Rewrite("prefill without a mask", prompts, read, our_read, TOKENS)
    yield Rewrite("decoding with grouped queries", one, step, our_step, TOKENS)
    yield Rewrite("the same, before with keys that grow", one, growing, our_step, TOKENS)
    yield Rewrite("fused RMS norm", "one norm", *norms, f"{LAYERS}::test_norms_are_the_librarys")
    yield Rewrite("prefill, all of these", prompts, read, all_read, TOKENS)
    yield Rewrite("decoding, all of these", one, step, all_step, TOKENS)


def _passes(meter: Meter, net: Any, keys: str = "") -> tuple[Work, Work]:
    """The work of reading the prompts, and of the first step after it.

    `keys` of the library are "static" or "growing"; without it, the decoder's own are used.
    """
    import torch

    from clipbench.analyzers.production.qwen_decoder import Decoder

    class Plain(Decoder):
        """The decoder on the library's cache, and on its masks where the cache is static."""

        def __init__(self) -> None:
            from transformers import DynamicCache, StaticCache

            super().__init__(net, SECONDS, LENGTH, BUDGET, "meta", graph=False)
            config, places = net.config.text_config, self.mask.shape[-1]
            self.cache: Any = DynamicCache(config=config)
            if keys == "static":
                self.cache = StaticCache(config=config, max_cache_len=places)
            self.mask = torch.zeros(1, 1, 1, places, dtype=torch.bool, device="meta")
            self.causal = torch.zeros(1, 1, LENGTH, places, dtype=torch.bool, device="meta")

        def _next(
            self, embeddings: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
        ) -> torch.Tensor:
            if keys == "static":
                return super()._next(embeddings, positions, self.causal if mask is None else mask)
            return super()._next(embeddings, positions, None)

    def prompts() -> None:
        decoder.prefill(embeddings, positions)

    width = net.config.text_config.hidden_size
    embeddings = torch.empty(SECONDS, LENGTH, width, dtype=net.dtype, device="meta")
    positions = torch.empty(3, SECONDS, LENGTH, dtype=torch.long, device="meta")
    decoder = Plain() if keys else Decoder(net, SECONDS, LENGTH, BUDGET, "meta", graph=False)
    return _counted(meter, prompts), _counted(meter, decoder.step)


def _of_segformer(meter: Meter) -> Rewrite:
    """SegFormer on all frames: full batches and a rest, or equal ones."""
    import torch

    from clipbench.analyzers.production.batching import batches, equal_batch

    net = _network("SegformerForSemanticSegmentation", "segformer", "float16")

    def run(size: Any) -> None:
        for part in batches(FRAMES, size):
            count = part.stop - part.start
            net(pixel_values=torch.empty(count, 3, PIXELS, PIXELS, dtype=torch.half, device="meta"))

    both = _both(meter, BATCH, equal_batch(FRAMES, BATCH), run)
    test = "test_background_segmentation.py::test_batches_are_equal"
    return Rewrite("SegFormer in equal batches", f"{FRAMES} frames", *both, test)


def table(found: Sequence[Rewrite]) -> str:
    """The rewrites as a table in Markdown."""
    cells = [
        ["rewrite", "counted for", "ops before", "ops after", "MB before", "MB after", "same values: test"]
    ]
    for one in found:
        passed = (f"{work.passing_bytes / 1e6:.1f}" for work in (one.before, one.after))
        operations = (f"{work.operations}" for work in (one.before, one.after))
        cells.append([one.name, one.call, *operations, *passed, f"`{one.test}`"])
    return markdown(cells)


def text(found: Sequence[Rewrite], joined: Work, rest: Work) -> str:
    """What the page says: the table, and Whisper's step, which is not rewritten."""
    return (
        f"{table(found)}\n\nNot rewritten: the decoder of Whisper large-v3 takes "
        f"{joined.operations + rest.operations} operations for a token.\n"
        f"{joined.operations} of them join keys and values to those before, which with {HEARD} places copies "
        f"{joined.passing_bytes / 1e6:.1f} MB."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Count and print, or write; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m studies.rewrites", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the table into docs/gpu.md")
    asked = parser.parse_args(argv)
    found = text(counts(), *whispers_step())
    print(found)
    if asked.write:
        write_between(PAGE, BEGIN, END, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
