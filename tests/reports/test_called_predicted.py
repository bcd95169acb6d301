"""Nothing that was simulated is shown as measured, in whatever form it is shown."""

from __future__ import annotations

import dataclasses
import html as entities
import io
import json
import re

import pytest
from rich.console import Console

from clipbench.bench.comparing.comparison import compare
from clipbench.bench.comparing.recommendation import targets_kept
from clipbench.bench.errors import Exit
from clipbench.bench.measuring import session
from clipbench.bench.planning import config
from clipbench.bench.planning.config import GateConfig, MinimumConfig
from clipbench.bench.runs.storage import write_result
from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping import verdict
from clipbench.bench.sweeping.rate_search import RateSearch, Try
from clipbench.bench.sweeping.sweep import Job
from clipbench.commands import measure
from clipbench.reports import formatting
from clipbench.reports.comparison import console as comparison_console
from clipbench.reports.comparison import files as comparison_files
from clipbench.reports.live.run_progress import run_progress
from clipbench.reports.live.sweep_progress import sweep_progress
from clipbench.reports.rates import console as rates_console
from clipbench.reports.rates import files as rates_files
from tests.support.comparisons import candidates_of
from tests.support.declared_costs import write_costs
from tests.support.stored_results import a_result

ONLY = ("color_analysis", "cut_analysis", "audio_analysis")
#: What says that somebody has looked at something that went on.
CLAIM = re.compile(r"\b(?:measur(?:ed|ement|ing)|observed|sampled)\b", re.IGNORECASE)
#: And what denies that, or is about how it would be: costs that were or were not measured, a stated speed.
DENIAL = re.compile(
    r"(?:not|never|nothing ran that could be|nobody has|can be|no \w+ figure was|why it was not) measured"
    r"|costs:? (?:are |were )?(?:declared, not )?measured|predicted and measured"
    r"|(?:none|only [0-9]+) (?:was|were) measured yet",
    re.IGNORECASE,
)


def claims(text: str) -> list[str]:
    """What a text claims to be measured, with some of what is around it."""
    text = DENIAL.sub("…", re.sub(r"\s+", " ", text))
    return [text[max(0, found.start() - 40) : found.end() + 20] for found in CLAIM.finditer(text)]


def page_text(page: str) -> str:
    """All that a reader of a page is told, also by a screen reader or where the mouse rests."""
    page = re.sub(r"<style.*?</style>|<script.*?</script>", " ", page, flags=re.DOTALL)
    told = re.findall(r'(?:aria-label|title|alt)="([^"]*)"', page)
    return entities.unescape(" ".join([re.sub(r"<[^>]+>", " ", page), *told]))


def screen() -> Console:
    return Console(record=True, width=200, file=io.StringIO())


@pytest.fixture(scope="module", params=["single_stream", "server", "search"])
def simulated(request, tmp_path_factory):
    """A simulated run of a scenario, or of a found grouping: its folder, its result, and what was shown."""
    folder = tmp_path_factory.mktemp("run")
    words = {
        "single_stream": ["grouping=two_core"],
        "server": ["grouping=two_core", "scenario=server", "scenario.rate=0.1", "scenario.clips=64",
                   "scenario.percentile=50", "scenario.latency_limit_s=30"],
        "search": ["grouping=auto"],
    }[request.param]  # fmt: skip
    cfg = config.compose(
        *words, "executor=simulated", f"only=[{','.join(ONLY)}]", "targets.limits.rtf_warm='< 9'",
        f"costs.file={write_costs(folder / 'costs.json', *ONLY)}", f"costs.store={folder}",
    )  # fmt: skip
    prepared = session.prepare(cfg, folder / "out")
    with run_progress(screen(), False, predicted=True) as progress:
        finished = session.run(prepared, progress)
    shown = screen()
    measure.write(finished.result, finished.segments, folder / "out", shown)
    return folder / "out", finished.result, shown.export_text()


#: File of a run's folder → what of it a reader is told. Every file has to be here.
READ = {
    "result.json": None,  # the machine's; run.simulated says what it is
    "report.html": page_text,
    "report.md": str,
    "junit.xml": entities.unescape,
    "trace.json": str,
    "timeline.png": None,  # drawn: below
}


def test_no_file_of_a_run_and_not_the_terminal_shows_it_as_measured(simulated):
    folder, result, printed = simulated
    assert {path.name for path in folder.iterdir() if path.is_file()} == READ.keys()
    texts = {name: read((folder / name).read_text()) for name, read in READ.items() if read}
    for name, text in {**texts, "terminal": printed}.items():
        text = text.replace(formatting.prediction(result.run), " ")
        assert "predicted" in text, name
        assert claims(text) == [], name
    for title in re.findall(r"<h2[^>]*>(.*?)</h2>", (folder / "report.html").read_text(), flags=re.DOTALL):
        assert re.search("predicted|command and environment", title, re.IGNORECASE), title


def test_result_json_has_no_measurement_beside_the_prediction_of_a_search(simulated):
    _, result, _ = simulated
    for one in result.prediction.metrics if result.prediction else []:
        assert one.measured is None and one.error is None


def test_the_picture_says_predicted(simulated, monkeypatch, tmp_path):
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from clipbench.reports.run import timeline

    texts: list[str] = []
    monkeypatch.setattr(
        Figure, "savefig",
        lambda figure, *_, **__: texts.extend(text.get_text() for text in figure.findobj(Text)),
    )  # fmt: skip
    timeline.draw(simulated[1], tmp_path / "timeline.png")
    assert sum("predicted" in text for text in texts) > 1
    assert claims(" ".join(texts)) == []


def a_prediction(rtf: float, name: str = "here"):
    machine = {"name": name, "cores": 2}
    said = {"machine": machine, "like": "gpu_pinned", "costs": "declared", "costs_of": "tests"}
    made = a_result([rtf] * 3, executor="simulated", run={"simulated": said})
    made.metrics = [metric for metric in made.metrics if not metric.name.startswith("quality.")]
    return made


def comparison_texts(made, folder) -> dict[str, str]:
    shown = screen()
    comparison_console.show(made, shown)
    paths = comparison_files.write(made, folder)
    return {
        "terminal": shown.export_text(), "html": page_text(paths["html"].read_text()),
        "md": paths["md"].read_text(),
    }  # fmt: skip


def test_no_comparison_of_predictions_shows_them_as_measured(tmp_path):
    results = {"a": a_prediction(1.0), "b": a_prediction(0.5, "other")}
    made = compare(candidates_of(tmp_path, **results))
    for name, text in comparison_texts(made, tmp_path / "out").items():
        assert "predicted" in text, name
        assert claims(text) == [], name
    page = (tmp_path / "out" / "comparison.html").read_text()
    for title in re.findall(r"<h2[^>]*>(.*?)</h2>", page, flags=re.DOTALL):
        asked = "which to use|are the results the same|how this was made"
        assert re.search(f"predicted|{asked}", title, re.IGNORECASE), title
    sides = json.loads((tmp_path / "out" / "comparison.json").read_text())["sides"]
    assert [side["predicted"] for side in sides] == [True, True]


def test_beside_what_was_measured_each_prediction_is_called_one(tmp_path):
    results = {"real": a_result([1.0] * 7), "foretold": a_prediction(0.5)}
    made = compare(candidates_of(tmp_path, **results), allow_mismatch=True)
    texts = comparison_texts(made, tmp_path / "out")
    for text in texts.values():
        assert "partly predicted" in text and "predicted for here" in text
    assert "foretold (predicted)" in texts["terminal"]
    assert "foretold (predicted)" in re.sub(r"\s+", " ", texts["html"])
    for one in made.candidates:
        kind = "predicted" if one.name == "foretold" else "measured"
        assert targets_kept(one, made.targets[one.name]).startswith(f"its 1 {kind} target holds")


def test_a_search_of_rates_says_predicted_from_its_first_line_on(tmp_path):
    one = Try(0.5, True, "", {"50": 1.0, "95": 2.0, "99": None}, 0.5, 130, 124, 130, 1.0, 3.0, "0.5_per_s")
    search = RateSearch(
        "grouping=two_core", "python run.py", 95, 5.0, 0.5, 1.0, {}, {}, [one], highest=0.5, complete=True,
        simulated=a_prediction(1.0).run.simulated,
    )  # fmt: skip
    shown = screen()
    rates_console.show_try(one, shown, predicted=True)
    assert shown.export_text(clear=False).startswith("predicted: 0.5 clips per second")
    rates_console.show(search, shown, rates_files.write(search, tmp_path))
    texts = {
        "terminal": shown.export_text(), "html": page_text((tmp_path / "rates.html").read_text()),
        "md": (tmp_path / "rates.md").read_text(),
    }  # fmt: skip
    for name, text in texts.items():
        assert "predicted" in text and claims(text) == [], name


def test_what_goes_on_is_called_predicted_too():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with run_progress(console, True, predicted=True) as run:
        run.passes(2, 4, False, 3)
        assert run.display.tasks[0].description == "pass 2/4 (predicted)"
    out = io.StringIO()
    with sweep_progress(Console(file=out, width=80), True, {"a"}) as sweep:
        sweep.ended(Turn("a", 1, "done", "", 0, 2.0, "rtf_warm", 0.5))
        sweep.ended(Turn("b", 1, "done", "", 0, 2.0, "rtf_warm", 0.5))
    assert out.getvalue().splitlines() == [
        "round 1  a  predicted rtf_warm 0.5  2 s",
        "round 1  b  rtf_warm 0.5  2 s",
    ]


def test_a_sweep_that_predicted_too_little_does_not_say_measured(tmp_path):
    (candidate,) = candidates_of(tmp_path, a=a_prediction(1.0))
    job = Job("a", (), {"simulated": True}, {}, GateConfig("enforce"), MinimumConfig(repeats=9))
    code, why = verdict.judge_job(job, candidate, [])
    assert code == Exit.NOTHING_VALID and why.startswith("too little was simulated: 3 of 9 repeats")


@pytest.mark.parametrize(
    "text",
    ["rtf_warm 2.0 (measured)", "the measured pass of median length", "its 2 measured targets hold",
     "| limit | observed |", "sampled series over the run", "a measurement of 3 s"],
)  # fmt: skip
def test_these_would_be_found(text):
    assert claims(text)


def test_a_measured_run_is_not_called_predicted(tmp_path):
    result = dataclasses.replace(a_result(), telemetry=a_result().telemetry)
    shown = screen()
    measure.write(result, {}, tmp_path, shown)
    page = (tmp_path / "report.html").read_text()
    what_if = re.search(r'<section[^>]*"helping">.*?</section>', page, re.DOTALL)
    assert what_if and "predicted" in what_if[0]  # a pass that was never run: it stays a prediction
    texts = [shown.export_text(), page_text(page.replace(what_if[0], ""))]
    assert all("predicted" not in text for text in texts)
    assert write_result(result, {}, tmp_path).exists()
