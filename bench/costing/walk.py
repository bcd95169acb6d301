"""Taking all analyzers through a clip once, so that each of their steps can be taken again and timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from clipbench.analyzers.base import Segment
from clipbench.bench.clips.shared_clip import FACTS, SharedClip, facts_alone
from clipbench.bench.costing.cuts import Cut
from clipbench.bench.costing.observed import UNENDED, longer
from clipbench.bench.costing.rig import OF_SOUND, Prepared, Rig
from clipbench.executors.base import Outcome
from clipbench.executors.costs import SHORTEST_S
from clipbench.executors.layout import Task
from clipbench.executors.steps import Fed, Feed, Finish, Whole, sound_name


def walk(rig: Rig, long: Cut, short: Cut) -> None:
    """Take all analyzers through the clip, so that each of their steps can be taken again."""
    results: dict[str, list[Segment]] = {}
    for task in rig.tasks:
        if task.analyzer in rig.failures:
            continue
        upstream = {name: results[name] for name in task.upstream if name in results}
        outcome = walk_one(rig, task, long, short, upstream)
        if outcome.status != "ok" or outcome.reason:
            rig.failures[task.analyzer] = outcome.reason
            rig.steps.pop(task.analyzer, None)
        else:
            results[task.analyzer] = list(outcome.segments)


def walk_one(rig: Rig, task: Task, long: Cut, short: Cut, upstream: Mapping[str, list[Segment]]) -> Outcome:
    rig.steps[task.analyzer] = steps = []
    if not task.chunked:
        return walk_whole(rig, task, long, upstream)
    for cut in (short, long):
        state, found, states = None, [], []
        for number in range(cut.count):
            piece = cut.piece(task, number)
            prepared = Prepared(
                task, "feed", shown(rig, cut, piece), piece.span_s, cut.chunk_s, Feed(number, state), {}
            )
            if task.analyzer not in rig.memos:
                asked = rig.take(prepared).asked
                end = OF_SOUND if piece.name == sound_name(number) else ""
                rig.memos[task.analyzer] = [name + end for name in asked]
            answer = rig.take(prepared, fill=True).answer
            if isinstance(answer, Outcome):
                return answer
            steps.append(prepared)
            if piece.end_s >= cut.clip.duration_s - SHORTEST_S:
                walk_unended(rig, prepared, cut, piece)
            state = answer.state
            found.append(answer.found)
            states.append(state)
    return walk_finish(rig, task, long, found, states, upstream)


def walk_unended(rig: Rig, last: Prepared, cut: Cut, piece: SharedClip) -> None:
    """The last chunk as if the clip went on, where that takes less: what was collected is not over then."""
    going_on = piece.going_on(cut.clip.duration_s + cut.chunk_s)
    name = rig.show(last.piece + UNENDED, going_on)
    unended = replace(last, kind="unended", piece=name)
    if isinstance(rig.take(unended, fill=True).answer, Outcome):
        return  # it fails where a clip goes on: what it takes there is not known
    ended_s, unended_s = rig.take(last).seconds, rig.take(unended).seconds
    if longer(ended_s, unended_s):
        rig.steps[last.task.analyzer].append(unended)


def walk_finish(
    rig: Rig,
    task: Task,
    cut: Cut,
    found: Sequence[bytes],
    states: Sequence[bytes],
    upstream: Mapping[str, list[Segment]],
) -> Outcome:
    """The last step after all chunks, and that after the first half of them."""
    outcome: Fed | Outcome | None = None
    for count in dict.fromkeys((len(found) // 2, len(found))):
        span_s = cut.clip.duration_s if count == len(found) else count * cut.chunk_s
        if count == 0:
            continue
        step = Finish(tuple(found[:count]), states[count - 1])
        prepared = Prepared(
            task, "finish", shown_facts(rig, cut, span_s), span_s, span_s, step, until(upstream, span_s)
        )
        outcome = rig.take(prepared).answer
        if isinstance(outcome, Outcome) and outcome.status == "ok":
            rig.steps[task.analyzer].append(prepared)
    assert isinstance(outcome, Outcome)
    return outcome


def walk_whole(rig: Rig, task: Task, cut: Cut, upstream: Mapping[str, list[Segment]]) -> Outcome:
    """The only step of an analyzer that reads the whole clip, or what others found in it.

    What others found in the first half of the clip it is given too.
    """
    duration_s = cut.clip.duration_s
    spans = (duration_s,) if task.frames or task.needs.audio else (duration_s / 2, duration_s)
    for span_s in spans:
        piece = shown_facts(rig, cut, span_s) if len(spans) == 2 else shown(rig, cut, cut.whole(task))
        prepared = Prepared(task, "whole", piece, span_s, span_s, Whole(), until(upstream, span_s))
        outcome = rig.take(prepared).answer
        if isinstance(outcome, Outcome) and outcome.status == "ok":
            rig.steps[task.analyzer].append(prepared)
    assert isinstance(outcome, Outcome)
    return outcome


def shown(rig: Rig, cut: Cut, piece: SharedClip) -> str:
    """Have the process open a piece, once; its name there."""
    return rig.show(f"{piece.name} of {cut.chunk_s:g} s", piece)


def shown_facts(rig: Rig, cut: Cut, duration_s: float) -> str:
    """Have the process open the facts of a clip as if it ended after so many seconds; its name there."""
    piece = facts_alone(replace(cut.clip.info, duration_s=duration_s))
    return rig.show(f"{FACTS} of {duration_s:g} s", piece)


def until(results: Mapping[str, list[Segment]], end_s: float) -> dict[str, list[Segment]]:
    """What was found in the beginning of a clip."""
    return {name: [segment for segment in found if segment.end_s <= end_s] for name, found in results.items()}
