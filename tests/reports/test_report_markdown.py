"""report.md: complete, small, and whatever text comes from outside stays text in GitHub's Markdown."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from clipbench.bench.runs import storage
from clipbench.reports.run import markdown
from tests.support import report_results
from tests.support.minimal_result import a_result


class Page(HTMLParser):
    """What a reader of rendered Markdown gets: the tags, the text, and the number of cells of each row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.text, self.cells = set(), "", []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_data(self, data):
        self.text += data


def test_it_has_the_verdict_the_targets_the_analyzers_and_the_metrics():
    text = markdown.render(report_results.a_run())
    assert text.startswith("# ✅ pass: grouping=staged executor=gpu_pinned models=embedded\n")
    page = Page(text)
    for word in ("21 of 22 targets", "rtf warm", "< 3", "body_pose", "person ×2, cup", "f1 0.9", "AMD EPYC"):
        assert word in page.text, word
    assert "not measured" in page.text and "no worker of this run was on a GPU" in page.text
    assert "python run.py grouping=staged" in page.text


def test_what_was_missed_comes_first_and_what_went_wrong_is_told():
    run = report_results.a_run()
    run.targets[9].status, run.verdict = "fail", "fail"
    run.verdict_reason = f"missed: {run.targets[9].metric}"
    lost = run.analyzers[report_results.NAMES[4]]
    lost.status, lost.reason = "timeout", "longer than 5 s"
    text = markdown.render(run)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert text.startswith("# ❌ fail") and run.targets[9].metric.split(".")[1].replace("_", " ") in rows[2]
    first = rows[[row.split("|")[2].strip() for row in rows].index("analyzer") + 2]
    assert "❌ timeout" in first and "longer than 5 s" in first


def test_an_invalid_verdict_says_which_rule():
    run = report_results.a_run()
    run.verdict, run.verdict_reason = "invalid", "only 2 of 20 analyzers ran"
    assert markdown.render(run).startswith("# ⚠️ invalid") and "only 2 of 20 analyzers ran" in markdown.render(
        run
    )


@pytest.mark.parametrize(
    "hostile", [report_results.HOSTILE, "~~~\n```\n</details>", "a\r\n\r\n# b\n---\n| x | y |\n"]
)
def test_text_from_outside_is_only_text(hostile):
    plain = Page(markdown.render(report_results.a_run()))
    page = Page(markdown.render(report_results.hostile(report_results.a_run(), hostile)))
    known = plain.tags | {"ul", "li", "blockquote"}  # of the baseline and the warning
    assert page.tags <= known
    assert len(page.cells) == len(plain.cells) + 1 and set(page.cells) <= set(plain.cells)
    assert " ".join(hostile.split("\x00")[0].split()) in " ".join(page.text.split())


def test_it_fits_a_summary_whatever_is_in_it():
    for text in (report_results.LONG, "|" * 20_000, "␛" * 20_000, report_results.HOSTILE * 300):
        run = report_results.hostile(report_results.a_run(), text)
        run.warnings *= 300
        run.analyzers |= {f"my_{n}": run.analyzers[report_results.NAMES[1]] for n in range(300)}
        assert len(markdown.render(run).encode()) < 64_000


def test_a_long_table_says_how_much_is_left_out():
    run = report_results.a_run()
    run.analyzers |= {f"my_{n}": run.analyzers[report_results.NAMES[1]] for n in range(100)}
    assert "… and 60 more" in markdown.render(run)


def test_a_run_that_did_nothing_is_told_too(tmp_path):
    assert "# ✅ pass: grouping=g" in markdown.write(a_result(), tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["html", "markdown", "junit"])
def test_reports_are_made_again_from_a_result(tmp_path, kind):
    storage.write_result(report_results.a_run(), {}, tmp_path)
    command = [sys.executable, "-m", f"clipbench.reports.run.{kind}"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=True)
    assert (tmp_path / done.stdout.strip()).stat().st_size > 500
    failed = subprocess.run([*command, str(tmp_path / "none")], capture_output=True, text=True)
    assert failed.returncode == 2 and "none is not the result" in failed.stderr


def test_what_is_odd_about_the_clip_is_told_beside_it_and_only_then():
    run = report_results.a_run()
    assert "Note:" not in Page(markdown.render(run)).text
    run.run.clip.tracks, run.run.clip.remarks = "video track 1 of 2", ["1 *picture* is missing"]
    beside = next(line for line in Page(markdown.render(run)).text.splitlines() if line.startswith("Clip: "))
    assert beside.endswith("with sound. Note: video track 1 of 2; 1 *picture* is missing")
