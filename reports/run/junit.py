"""junit.xml: a case per target, for CI that shows test results.

A missed target is a failure; one that was not measured is skipped, with the reason. The verdict is a case
too: an error if it is invalid, so that a run that measured nothing does not look green, and a failure if the
run failed although no target was missed, because a required metric was not measured; skipped if it is
incomplete. A clip that was lost is an error of its own. The time of a case is what its figure took to
measure, that of the verdict the whole run's. Jenkins, GitLab and the GitHub actions for test reports read
these elements.

`python -m clipbench.reports.run.junit RUN` makes it again from the result of a run.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from xml.etree import ElementTree

from clipbench.bench.runs.results import Result, TargetResult, quality_of
from clipbench.bench.runs.utilization import union
from clipbench.reports import formatting
from clipbench.reports.drawing.passes import completed_passes, run_end
from clipbench.reports.rerender import rerender

#: Attribute of a suite → the elements that it counts.
COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


def write(result: Result, folder: Path) -> Path:
    """Write junit.xml of `result` into `folder`; returns its path. Raises OSError if it cannot."""
    path = folder / "junit.xml"
    root = ElementTree.Element("testsuites", name="clipbench")
    suite = element(root, "testsuite", name=f"targets, {formatting.run_title(result.run)}")
    run = result.run
    suite.set("timestamp", run.started_at[:19])  # the format allows no time zone
    properties = element(suite, "properties")
    known = {"id": run.id, "command": run.command, "grouping": run.grouping}
    if run.simulated:
        known["predicted"] = formatting.prediction(run)
    for name, value in (known | {"executor": run.executor, "models": run.models}).items():
        element(properties, "property", name=name, value=value)
    where = f"clipbench.{run.grouping}.{run.executor}{'.predicted' if run.simulated else ''}"
    for target in result.targets:
        took = seconds_of(result, target.metric)
        add_target(element(suite, "testcase", name=target.metric, classname=where, time=took), target)
    for lost in result.lost_clips:
        case = element(suite, "testcase", name=f"clip {lost.path}", classname=where, time="0")
        element(
            case, "error", lost.reason, type="lost", message=f"{lost.path} could not be read: {lost.reason}"
        )
    whole = f"{run_end(result) if result.spans or run.passes else 0:.3f}"
    verdict = element(suite, "testcase", name="verdict", classname=where, time=whole)
    if result.verdict == "invalid":
        element(verdict, "error", result.verdict_reason, type="invalid", message=result.verdict_reason)
    elif result.verdict == "fail" and not any(t.status == "fail" for t in result.targets):
        element(verdict, "failure", result.verdict_reason, type="required", message=result.verdict_reason)
    elif result.verdict == "incomplete":
        element(verdict, "skipped", message=f"incomplete: {result.verdict_reason}")
    counts = {kind: str(len(list(suite.iter(tag)))) for kind, tag in COUNTED.items()}
    for one in (root, suite):
        one.attrib.update(counts, time=whole)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def seconds_of(result: Result, metric: str) -> str:
    """How long a figure took to measure: the analyzer's time in a pass, or the time of all measured passes.

    The first is the median of the measured passes. Of what did not run it is 0.
    """
    if analyzer := quality_of(metric):
        own = result.analyzers.get(analyzer)
        return f"{median(own.analyze_s) if own and own.analyze_s else 0:.3f}"
    measured = [(p.start_s, p.end_s) for p in completed_passes(result.run.passes) if not p.warmup]
    return f"{sum(end_s - start_s for start_s, end_s in union(measured)):.3f}"


def add_target(case: ElementTree.Element, target: TargetResult) -> None:
    """Record the outcome of one target in its case."""
    value = formatting.number(target.observed, target.unit)
    if target.observed is None:
        value = f"nothing that can be measured ({target.reason})"
    observed = f"{value}, limit: {formatting.limit(target)}"
    if target.status == "not_measured":
        element(case, "skipped", message=f"not measured: {target.reason}")
    elif target.status == "fail":
        element(case, "failure", target.reason, type="target", message=f"{target.metric} is {observed}")
    element(case, "system-out", observed)


def element(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
    """A new element in `parent`; characters that XML does not allow are replaced."""
    made = ElementTree.SubElement(
        parent, tag, {k: formatting.printable(str(v)) for k, v in attributes.items()}
    )
    made.text = formatting.printable(text) or None
    return made


if __name__ == "__main__":
    rerender("junit.xml", lambda result, folder, _: write(result, folder))
