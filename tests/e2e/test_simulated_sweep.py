"""A sweep over groupings and machines that nobody has: one page, with latency against cost."""

from __future__ import annotations

import json

import pytest

from tests.support import browser
from tests.support.command_line import run
from tests.support.declared_costs import write_costs

ONLY = ("color_analysis", "cut_analysis", "audio_analysis", "camera_analysis")


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The folder of the sweep, and what was printed."""
    folder = tmp_path_factory.mktemp("sweep")
    done = run(
        "-m", "executor=simulated", "machine=here,cores_16", "grouping=sequential,two_core",
        "machine.cores=2", "machine.price_per_hour=1", f"only=[{','.join(ONLY)}]", "progress=false",
        f"costs.file={write_costs(folder / 'costs.json', *ONLY)}", f"hydra.sweep.dir={folder / 'sweep'}",
    )  # fmt: skip
    return folder / "sweep", done


def test_it_ends_in_one_page_with_latency_against_cost(swept):
    folder, done = swept
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "comparison.json").read_text())
    front = found["front"]
    assert front["unit"] == "price" and front["left_out"] == {} and len(front["points"]) == 4
    two_core = [point for point in front["points"] if point["candidate"].endswith("grouping=two_core")]
    assert all(point["best"] for point in two_core)
    # The machines are alike here, so what a clip costs follows from how long it takes.
    for point in front["points"]:
        assert point["cost"] == pytest.approx(1000 * point["latency_s"] / 3600, rel=1e-6)
    assert "predicted: latency against cost" in done.stdout
    assert "measured pass" not in (folder / "comparison.html").read_text()


def test_nothing_is_predicted_twice(swept):
    folder, done = swept
    state = json.loads((folder / "sweep.json").read_text())
    assert state["rounds"] == 1 and len(state["turns"]) == 4
    assert "cannot show any difference" not in done.stderr


@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_in_a_browser(swept, width):
    with browser.session() as chromium:
        page = chromium.open(swept[0] / "comparison.html", width=width)
        assert page.problems == [] and page.overflow() == []
