"""A key that takes a list takes a word too."""

from __future__ import annotations

import pytest

from clipbench.bench.planning.config import compose
from clipbench.bench.planning.list_arguments import with_lists
from clipbench.bench.planning.user_config import with_user_config


@pytest.mark.parametrize(
    ("word", "understood"),
    [
        ("only=cut_analysis", "only=[cut_analysis]"),
        ("only=cut_analysis,text_overlay", "only=[cut_analysis,text_overlay]"),
        ("++only=cut_analysis", "++only=[cut_analysis]"),
        ("gate.allow_unmeasured=gpu_*", "gate.allow_unmeasured=[gpu_*]"),
        ("gate.require=rtf_warm", "gate.require=[rtf_warm]"),
        ("plugins=mine.py", "plugins=[mine.py]"),
        ("only=[cut_analysis]", "only=[cut_analysis]"),
        ("only=null", "only=null"),
        ("only=", "only="),
        ("~only", "~only"),
        ("seed=3", "seed=3"),
    ],
)
def test_a_word_becomes_a_list(word, understood):
    assert with_lists([word], several=False) == [understood]


def test_in_a_sweep_each_word_is_a_list_of_its_own():
    assert with_lists(["only=a,b"], several=True) == ["only=[a],[b]"]
    assert with_lists(["only=[a,b],[c]"], several=True) == ["only=[a,b],[c]"]


def test_of_the_command_line_and_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = with_user_config(["only=cut_analysis,text_overlay"])
    assert compose(*arguments).only == ["cut_analysis", "text_overlay"]
    (tmp_path / "clipbench.yaml").write_text("only: cut_analysis\ngate: {allow_unmeasured: gpu_*}\n")
    cfg = compose(*with_user_config([]))
    assert cfg.only == ["cut_analysis"] and cfg.gate.allow_unmeasured == ["gpu_*"]
