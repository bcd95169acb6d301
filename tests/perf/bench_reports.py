"""Making the reports of one run with twenty repeats, and comparing fifty runs."""

from __future__ import annotations

import pytest

from bench import results, session
from tests import ideal


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    prepared = session.prepare(ideal.composed(f"clip.path={ideal.CLIP.path}"), tmp_path_factory.mktemp("run"))
    return ideal.result(prepared, ideal.record(prepared.plan, ideal.segments(), repeats=20))


def test_html(measure, result, tmp_path):
    from reports import html

    measure(lambda: html.write(result, tmp_path))


def test_markdown(measure, result, tmp_path):
    from reports import markdown

    measure(lambda: markdown.write(result, tmp_path))


def test_result_json(measure, result, tmp_path):
    def write_and_read() -> None:
        results.read(results.write(result, {}, tmp_path))

    measure(write_and_read)
