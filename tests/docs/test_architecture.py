"""docs/architecture.md: the drawing of the imports is the one of the code, and it has no circle."""

from __future__ import annotations

import graphlib
import re

import pytest

from tools import draw_imports


def test_the_drawing_is_what_the_command_makes():
    assert draw_imports.PAGE.read_text(encoding="utf-8") == draw_imports.page(), "make drawing"


def test_a_circle_is_refused():
    with pytest.raises(graphlib.CycleError):
        draw_imports.ordered({"a": {"b"}, "b": {"a"}})


def test_an_arrow_that_others_imply_is_left_out():
    imports = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert draw_imports.reduced(imports) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_the_files_that_the_page_names_exist():
    text = draw_imports.PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", text)
    root = draw_imports.PAGE.parents[1]
    missing = [name for name in named if not (root / name).exists() and not (root / "bench" / name).exists()]
    assert named and missing == []
