"""What rewrites spare: docs/gpu.md has what is counted, and each rewrite a test of its values."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("whisper", reason="openai-whisper is not installed")

from studies import rewrites
from studies.rewrites import BEGIN, BUDGET, END, LENGTH, PAGE, SECONDS, TESTS

LAYERS, HEADS, GROUPS, SIZE, HALF = 28, 28, 4, 128, 2
PLACES = -(-(LENGTH + BUDGET) // 8) * 8


@pytest.fixture(scope="module")
def found():
    return rewrites.counts()


@pytest.fixture(scope="module")
def step():
    return rewrites.whispers_step()


def named(found, name: str):
    return next(one for one in found if one.name.startswith(name))


def test_the_page_has_the_table_that_the_command_writes(found, step):
    written = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    assert written == rewrites.text(found, *step), "python -m studies.rewrites --write"


def test_each_rewrite_names_a_test_that_exists(found):
    for one in found:
        file, _, test = one.test.partition("::")
        assert f"\ndef {test}(" in (TESTS / file).read_text(encoding="utf-8"), one.name


def test_only_the_librarys_static_keys_are_copied_for_every_head(found):
    step, growing = named(found, "decoding with grouped"), named(found, "the same")
    copies = LAYERS * 2 * SECONDS * HEADS * PLACES * SIZE * HALF
    assert step.before.passing_bytes - step.after.passing_bytes == pytest.approx(copies, rel=0.02)
    # In each layer two copies, and a count of places by the layer's own cache in two operations.
    assert step.before.operations - step.after.operations == 4 * LAYERS
    joined = LAYERS * 2 * SECONDS * GROUPS * (LENGTH + 1) * SIZE * HALF
    assert growing.before.passing_bytes - growing.after.passing_bytes == pytest.approx(joined, rel=0.02)


def test_a_step_is_what_its_rewrites_leave(found):
    norm, step, both = (named(found, name) for name in ("fused", "decoding with grouped", "decoding, all"))
    norms = 2 * LAYERS + 1
    assert (norm.before.operations, norm.after.operations) == (8, 1)
    assert both.after.operations == step.after.operations - norms * 7


def test_what_changes_shapes_only_changes_no_counts(found):
    for name in ("patch embedding", "SegFormer"):
        one = named(found, name)
        assert one.before.operations == one.after.operations > 0
        assert one.before.flops == one.after.flops
    blocks = named(found, "all blocks")
    assert blocks.before.operations - blocks.after.operations >= 32 * (SECONDS * rewrites.BLOCKS - 1)


def test_whispers_keys_and_values_are_copied_in_every_layer(step):
    joined, rest = step
    layers, width = 32, 1280
    assert joined.operations == 2 * layers
    assert joined.passing_bytes == 2 * layers * rewrites.HEARD * width * HALF
    # A self-attention and one to the sound, in each layer.
    assert rest.operations > 2 * layers and rest.flops.total() > 0


def test_the_command_writes_between_the_marks_and_nowhere_else(found, step, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter")
    monkeypatch.setattr(rewrites, "PAGE", page)
    monkeypatch.setattr(rewrites, "counts", lambda: found)
    monkeypatch.setattr(rewrites, "whispers_step", lambda: step)
    assert rewrites.main([]) == 0 and "old" in page.read_text()
    assert rewrites.main(["--write"]) == 0
    text = rewrites.text(found, *step)
    assert page.read_text() == f"before\n{BEGIN}\n\n{text}\n\n{END}\nafter"
    assert capsys.readouterr().out == f"{text}\n" * 2
