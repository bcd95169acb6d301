"""Names of files on the command line: taken as they are where they exist, else with how to quote them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hydra.errors import HydraException

from clipbench.bench.planning.config import compose
from clipbench.bench.planning.config_errors import explain
from clipbench.bench.planning.file_arguments import how_to_quote, quoted, with_quoted_files
from clipbench.bench.planning.user_config import grammar

NAMES = [
    b"a=b.mp4", b"[x].mp4", b"q'u\"o.mp4", b"it's.mp4", b"co:lon.mp4", b"-dash.mp4", b"two words.mp4",
    "中文.mp4".encode(), b"007", b"1e3", b"null", b"true", b"a,b.mp4", b"${x}.mp4", b"$HOME.mp4", b"#h.mp4",
    b"back\\slash.mp4", b"tail\\", b"tail\\'", b" lead.mp4", b"trail.mp4 ", b"(p).mp4", b"{b}.mp4",
    b"~t.mp4", b"p%2.mp4", b"new\nline.mp4", b"tab\t.mp4", b"a!b.mp4", b"`c`.mp4", b"x" * 251 + b".mp4",
    b"caf\xe9.mp4", b"'in'",
]  # fmt: skip


def understood(word: str) -> str:
    """The path that a run understands."""
    return compose(word).clip.path


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_name_of_a_file_is_taken_as_it_is(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = os.fsdecode(name)
    (tmp_path / text).touch()
    absolute = str(tmp_path / text)
    for path, truth in ((text, f"./{text}"), (absolute, absolute)):  # the files of both keys
        found = compose(*with_quoted_files([f"clip.path={path}", f"clip.truth={truth}"])).clip
        assert (found.path, found.truth) == (path, truth)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_what_is_told_to_type_is_what_hydra_understands(name):
    text = os.fsdecode(name)
    typed = how_to_quote(f"clip.path={text}", False)
    assert len(typed.splitlines()) == 1
    # A POSIX shell has no way to write bytes that are no text.
    shells = [shell for shell in ("sh", "bash") if shell == "bash" or not typed.startswith("$")]
    if not (there := [shell for shell in shells if shutil.which(shell)]):
        pytest.skip(f"there is no {' or '.join(shells)} here")
    words = {
        subprocess.run(
            [shell, "-c", b"printf %s " + os.fsencode(typed)], stdout=subprocess.PIPE, check=True
        ).stdout
        for shell in there
    }
    assert len(words) == 1, words  # both shells take it for the same
    # Hydra did not recognize quotes around a name, or it would have no trouble with it.
    assert understood(os.fsdecode(words.pop())) == (text if text != "'in'" else "in")


@pytest.mark.parametrize("name", ["a=b.mp4", "中文.mp4", "(p).mp4", "a,b.mp4", "it's.mp4"])
def test_the_error_says_how_to_quote(name):
    word = f"clip.path={name}"
    with pytest.raises(HydraException) as error:
        compose(word)
    assert explain(error.value).endswith(f"quote it: {how_to_quote(word, False)}")


def test_values_of_a_sweep_are_quoted_one_by_one():
    assert how_to_quote("clip.path=a=b.mp4,'c d.mp4'", True) == "clip.path=\"'a=b.mp4','c d.mp4'\""


def test_other_words_are_left_to_hydra(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two_core").touch()
    for word in ("grouping=two_core", "clip.path=*.mp4", "clip.path='a.mp4'", "clip.path=", "-m", "--help"):
        assert quoted(word) == word


@pytest.mark.parametrize("value", ["back\\slash", "tail\\", "it's", "a\\'b", 'a"b'])
def test_texts_of_clipbench_yaml_are_understood_as_they_are(value):
    assert understood(f"clip.path={grammar(value)}") == value
