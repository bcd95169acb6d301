"""The command `scenario.search=true`: what it prints, leaves and exits with."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from clipbench.bench.errors import InputError, Interrupted
from clipbench.bench.planning import config
from clipbench.bench.sweeping import rate_search
from clipbench.commands import interrupts, search
from tests.bench.sweeping.test_rate_search import Service
from tests.support.fake_plans import use_fakes
from tests.support.video_files import numbered_frames, write_clip


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Run the command on a made-up service, in this process: its exit code, and what it printed."""
    use_fakes(monkeypatch)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(5, 64, 64))
    for name in ("accept", "ignore"):
        monkeypatch.setattr(interrupts, name, lambda: None)

    def run(measure, *overrides):
        monkeypatch.setattr(rate_search, "run_at", measure)
        words = (
            f"clip.path={clip}",
            "only=[steady]",
            "scenario=server",
            "scenario.search=true",
            "progress=false",
        )
        printed = io.StringIO()
        made = config.compose(*words, *overrides)
        code = search.search(made, tmp_path / "out", Console(file=printed, width=160))
        return code, printed.getvalue()

    return run


LIMIT = "scenario.latency_limit_s=5"


def test_the_answer_is_printed_and_three_files_are_left(command, tmp_path):
    code, printed = command(Service(), LIMIT)
    assert code == 0
    found = rate_search.read(tmp_path / "out")
    assert f"{found.highest:.3g} clips per second keep latency p95 within 5 s" in printed
    assert printed.count("clips per second  ") >= len(found.tries)  # a line for each, as it comes
    assert {"rates.json", "rates.html", "rates.md"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_no_rate_is_an_exit_code_of_its_own(command, capsys):
    code, printed = command(Service(seconds=7.0), LIMIT)
    assert code == 5 and "No rate keeps scenario.latency_limit_s=5" in printed
    assert capsys.readouterr().err.startswith("clipbench: no rate keeps scenario.latency_limit_s=5: at 1 ")


def test_an_interrupt_prints_how_to_go_on(command, capsys, tmp_path):
    def interrupted(rate, folder):
        raise Interrupted(130)

    code, _ = command(interrupted, LIMIT)
    assert code == 130
    said = capsys.readouterr().err
    assert (
        said.startswith("clipbench: interrupted; continue with: ") and f"hydra.run.dir={tmp_path}/out" in said
    )


def test_a_search_without_a_limit_is_refused(command):
    with pytest.raises(
        InputError, match=r"scenario.search=true requires a limit.*scenario.latency_limit_s=30"
    ):
        command(Service())
