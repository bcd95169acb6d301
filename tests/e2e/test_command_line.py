"""What a user meets at the prompt: help, and every bad input as one line with exit code 2."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.invocation import environment
from clipbench.bench.measuring.quality_scores import check_truth
from tests.support.bad_clips import BAD_CLIPS
from tests.support.command_line import PROJECT, refused, run, run_each, run_forked
from tests.support.video_files import numbered_frames, write_clip


def test_help_names_the_choices_and_the_exit_codes():
    done = run("--help")
    assert done.returncode == 0
    assert sorted(p.stem for p in (PROJECT / "conf" / "executor").iterdir()) == sorted(
        done.stdout.partition("executor: ")[2].splitlines()[0].split(", ")
    )
    for word in ("grouping: ", "clip.path=", "only=", "Exit codes", "outputs/latest"):
        assert word in done.stdout


def test_the_command_imports_nothing_heavy_before_it_runs():
    code = (
        "import sys; sys.argv = ['run.py', '--cfg', 'job']; from clipbench.commands import run; run.main();"
        "heavy = {'torch', 'cv2', 'onnxruntime', 'librosa', 'sklearn', 'transformers', 'whisper', 'scipy',"
        " 'matplotlib', 'numba', 'av', 'rich'} & set(sys.modules); sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_configuration_can_be_printed():
    done = run("--cfg", "job", "--package", "models.object_detection")
    assert done.returncode == 0
    assert "fps:" in done.stdout and "detector:" in done.stdout


BAD_WORDS = {
    "grouping=sequentail": "grouping=sequentail does not exist; did you mean sequential?",
    "executor=sequental": "executor=sequental does not exist; did you mean sequential?",
    "models=embeded": "models=embeded does not exist; did you mean embedded?",
    "gropuing=sequential": "no key gropuing in the configuration; did you mean grouping?",
    "models.cut_analysis.fsp=3": "no key models.cut_analysis.fsp in the configuration; did you mean fps?",
    "models.object_detecton.fps=3": "did you mean object_detection?",
    "scenario.repeats=two": "scenario.repeats=two is neither auto nor a whole number",
    "only=[cut_analisys]": "only: there is no analyzer cut_analisys; did you mean cut_analysis?",
    "models.cut_analysis.fps=0": "models.cut_analysis.fps=0 is out of range",
    "models.cut_analysis.fps=nan": "models.cut_analysis.fps=nan is out of range",
    "scenario.repeats=-1": "scenario.repeats=-1 is out of range",
    "executor.threads=0": "executor.threads=0 is out of range",
    "targets.limits.rtf_warm=fast": '"fast" is not a limit',
    "+targets.limits.rtf_wram=3": "is not a limit",
    "targets.limits.rtf_warm='< 1e999'": '"< 1e999" is beyond every number',
    "targets.limits.rtf_warm='-1e999 .. 3'": '"-1e999 .. 3" is beyond every number',
    "targets.minimum.seconds=nan": "minimum.seconds=nan is out of range",
    "scenario.warmup=10000000000000000000000": "scenario.warmup=10000000000000000000000 is out of range",
    "gate.require=[rtf_wram]": "gate.require: there is no metric rtf_wram; did you mean rtf_warm?",
    "clip.truth=nothing.json": "clip.truth: there is no file nothing.json",
    "grouping.groups.all.analyzers=[cut_analisys]": "there is no analyzer cut_analisys; did you mean",
    "plugins={a:mine.py}": "write one list, such as plugins=[my_analyzers.py]",
    "plugins=mine.py": "plugins: mine.py does not exist",
    "+foo=1": "no key foo in the configuration; there are: baseline",
    "+faults.secons=1": "no key faults.secons in the configuration; did you mean seconds?",
    "++models.cut_analysis.fsp=3": "no key models.cut_analysis.fsp in the configuration; did you mean fps?",
    "++grouping.groups.all.devise=cpu": "no key grouping.groups.all.devise in the configuration; did you",
    "faults.analyzer=text_overlay": "faults.analyzer=text_overlay is for a planted fault: add faults=slow",
    "faults.seconds=2": "faults.seconds=2.0 is for a planted fault: add faults=slow",
    "plugins=[mine.py]": "plugins: mine.py does not exist",
    "faults=sigkil": "faults=sigkil does not exist; did you mean sigkill?",
    "grouping.groups.all.replicas=0": "groups.all.replicas=0 is out of range: it must be 1 to 4096",
    "grouping.groups.all.replicas=many": "replicas: Value 'many' of type 'str' could not be converted",
    "grouping.groups.all.replica=2": "no key grouping.groups.all.replica in the configuration; did you mean",
    "grouping.groups.X=2": "grouping.groups.X: a group is a mapping with the keys analyzers, device",
    "+grouping.groups.X=2": "grouping.groups.X: a group is a mapping with the keys analyzers, device",
    "grouping.groups=2": "grouping.groups: the groups are a mapping from names to groups, each of them a map",
    "grouping=2": "grouping=2 does not exist; there are: auto, optimized, sequential, staged, two_core",
    "machine.gpu=3": "machine.gpu: it must be a mapping with the keys name, memory_gb, speed",
    "grouping.groups.all.device=tpu": "there is no device tpu; write cpu, gpu:0 or gpu:auto",
    "executor.cleanup=exitt": "executor.cleanup=exitt does not exist; did you mean exit?",
    "executor.timeout_s=0": "executor.timeout_s=0 is out of range",
    "faults=segfault": "executor=sequential cannot contain it",
    "gate.mode=enforced": "gate.mode=enforced does not exist; did you mean enforce?",
    "clip.truth=pyproject.toml": "clip.truth: pyproject.toml is no ground truth for this clip",
    "executor.memory_fraction=2": "executor.memory_fraction=2 is out of range",
    "profile=tourch": "profile=tourch does not exist; did you mean torch?",
}


@pytest.fixture(scope="module")
def by_bad_word(tmp_path_factory) -> dict[str, subprocess.CompletedProcess]:
    folder = tmp_path_factory.mktemp("bad_words")
    lists = [(word, f"hydra.run.dir={folder / str(number)}") for number, word in enumerate(BAD_WORDS)]
    return dict(zip(BAD_WORDS, run_each(*lists), strict=True))


@pytest.mark.parametrize("argument", BAD_WORDS)
def test_bad_configuration(argument, by_bad_word):
    assert BAD_WORDS[argument] in refused(by_bad_word[argument])


def test_a_bad_word_at_the_prompt(tmp_path):
    argument, line = next(iter(BAD_WORDS.items()))
    assert line in refused(run(argument, f"hydra.run.dir={tmp_path / 'out'}"))


NOTHING_MEASURED = {
    "refused": (["faults.seconds=2"], 2),
    "a sweep that is refused": (["-m", "only=cut_analysis,nothing", "repeats=1"], 2),
    "a plan": (["plan=true", "only=cut_analysis,color_analysis"], 0),
    "a doctor": (["--doctor"], 0),
}


@pytest.mark.parametrize("kind", NOTHING_MEASURED)
def test_what_measures_nothing_leaves_no_folder(kind, tmp_path):
    arguments, code = NOTHING_MEASURED[kind]
    command = [sys.executable, "-m", "clipbench", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_had_something_in_it_is_left(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    refused(run("faults.seconds=2", f"hydra.run.dir={tmp_path / 'out'}"))
    assert (tmp_path / "out" / "mine.txt").exists()


@pytest.mark.parametrize(("gate", "code"), [("report", 5), ("off", 0), ("enforce", 5)])
def test_a_run_in_which_nothing_succeeds_says_so_by_its_exit_code(gate, code, clip, tmp_path):
    only = ("only=color_analysis", "faults=raise", f"clip.path={clip}", f"hydra.run.dir={tmp_path / 'out'}")
    done = run(f"gate={gate}", "scenario.warmup=0", "scenario.repeats=1", *only)
    assert done.returncode == code, done.stderr
    assert "no analyzer succeeded" in done.stdout


@pytest.fixture(scope="module")
def by_bad_clip(tmp_path_factory) -> dict[str, subprocess.CompletedProcess]:
    lists = []
    for make, _ in BAD_CLIPS.values():
        folder = tmp_path_factory.mktemp("bad_clip")
        lists.append((f"clip.path={make(folder)}", "only=[cut_analysis]", f"hydra.run.dir={folder / 'out'}"))
    return dict(zip(BAD_CLIPS, run_each(*lists), strict=True))


@pytest.mark.parametrize("kind", BAD_CLIPS)
def test_bad_clip(kind, by_bad_clip):
    assert BAD_CLIPS[kind][1] in refused(by_bad_clip[kind])


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))


def test_output_folder_that_cannot_be_made(clip, tmp_path):
    (tmp_path / "file").touch()
    line = refused(run_forked(f"clip.path={clip}", f"hydra.run.dir={tmp_path / 'file' / 'out'}"))
    assert "hydra.run.dir" in line and "cannot be written to" in line


@pytest.mark.skipif(os.getuid() == 0, reason="root may write to read-only folders")
def test_output_folder_that_is_read_only(clip, tmp_path):
    tmp_path.chmod(0o500)
    done = run_forked(f"clip.path={clip}", f"hydra.run.dir={tmp_path / 'out'}")
    assert "cannot be written to" in refused(done)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc, which nobody can write to")
def test_output_folder_that_nobody_can_write_to(clip):
    done = run_forked(f"clip.path={clip}", "hydra.run.dir=/proc/clipbench")
    assert "cannot be written to" in refused(done)


def test_output_folder_that_is_full(clip, tmp_path):
    once = (f"clip.path={clip}", "scenario.repeats=1", f"hydra.run.dir={tmp_path / 'out'}")
    done = run(*once, limit_file_bytes=40_000)
    assert "cannot be written to" in refused(done)


@pytest.mark.parametrize("beside", [False, True])
def test_an_odd_truth_file_is_refused_before_anything_is_measured(beside, clip, tmp_path):
    path = clip.with_suffix(".json") if beside else tmp_path / "odd.json"
    of_clip = {"sha256": hashlib.sha256(clip.read_bytes()).hexdigest(), "width": 64, "height": 64}
    music = {"tempo_bpm": 0, "key": "A minor"}
    path.write_text(json.dumps({"schema": 1, "clip": of_clip, "music": music}))
    named = [] if beside else [f"clip.truth={path}"]
    done = run_forked(f"clip.path={clip}", "only=[cut_analysis]", f"hydra.run.dir={tmp_path / 'out'}", *named)
    line = refused(done)
    assert f"{path} is no ground truth for this clip: music.tempo_bpm is 0; it must be a number" in line


@pytest.mark.parametrize(
    "content", ["", "[]", "[1, 2]", "7", '{"schema": 1}', '{"schema": 1, "clip": 7}', "[" * 100_000]
)
def test_what_is_no_truth_file_at_all_is_refused_in_one_line(content, clip, tmp_path):
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(InputError) as error:
        check_truth(tmp_path / "odd.json", [clip])
    assert str(error.value).startswith("clip.truth: ") and "\n" not in str(error.value)
