"""Observations about a clip that a person would want to know, from the results of all analyzers.

Each rule reads the results that it needs and says nothing if they are missing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from statistics import mean, median

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.rules.evidence import Results, clock, is_sure, statement
from clipbench.analyzers.features.rules.sightings import anybody
from clipbench.analyzers.features.text.english import counted, listed
from clipbench.analyzers.features.time_spans import by_time, covered_s


def longest_on_screen(results: Results, min_confidence: float, min_s: float) -> list[Segment]:
    """The thing that is on screen longest, for at least `min_s`."""
    seen: dict[str, list[Segment]] = {}
    for detection in results.get("object_detection", ()):
        if detection.confidence is None or detection.confidence >= min_confidence:
            seen.setdefault(detection.label, []).append(detection)
    if not seen:
        return []
    end = max(s.end_s for s in results["object_detection"])
    lasting = {label: covered_s(segments, 0.0, end) for label, segments in seen.items()}
    label = max(lasting, key=lambda name: lasting[name])
    if lasting[label] < min_s:
        return []
    sightings = seen[label]
    best = max(sightings, key=lambda s: s.confidence or 0)
    return [
        statement(
            "insight",
            f"Of all that is recognised, {counted(label)} is on screen longest: {lasting[label]:.1f} s.",
            (sightings[0].start_s, max(s.end_s for s in sightings)),
            ("shown",),
            [("object_detection", best)],
        )
    ]


def people(results: Results, min_confidence: float, min_s: float) -> list[Segment]:
    """The face that each shot shows: about how old, and of which sex if the shot's samples agree."""
    shots = [(s.start_s, s.end_s) for s in results.get("cut_analysis", ()) if s.label == "shot"]
    every = sorted(results.get("age_estimation", ()), key=lambda face: face.start_s)
    starts = [face.start_s for face in every]
    found = []
    for start_s, end_s in shots or [(0.0, float("inf"))]:
        faces = every[bisect_left(starts, start_s) : bisect_left(starts, end_s)]
        at_once = Counter(Counter(face.start_s for face in faces).values())
        ages = [face.data["age"] for face in faces if "age" in face.data]
        visible_s = covered_s(faces, start_s, end_s)
        if visible_s < max(min_s, 1e-3) or at_once.most_common(1)[0][0] > 1 or not ages:
            continue
        sex, votes = Counter(face.label for face in faces).most_common(1)[0]
        agreed = [face for face in faces if face.label == sex]
        sure = votes >= 0.8 * len(faces) and mean(f.confidence or 0.0 for f in agreed) >= min_confidence
        found.append(
            statement(
                "insight",
                f"A {sex if sure else 'human'} face is shown, about {round(median(ages))} years old.",
                (faces[0].start_s, min(max(face.end_s for face in faces), end_s)),
                ("shown",),
                [("age_estimation", agreed[0])],
            )
        )
    return found


def fastest_passage(results: Results) -> list[Segment]:
    """The phase with the highest pace, if the pace changes and how fast it is there is known."""
    phases = [s for s in results.get("temporal_flow", ()) if s.label == "phase" and s.data["pace"]]
    if len({p.data["pace"] for p in phases}) < 2:
        return []

    def speed(phase: Segment) -> tuple[float, float]:
        return phase.data.get("cuts_per_minute") or 0.0, phase.data.get("words_per_minute") or 0.0

    order = ("slow", "medium", "fast")
    fastest = max(phases, key=lambda p: (order.index(p.data["pace"]), sum(speed(p))))
    counts = zip(("cuts", "words"), speed(fastest), strict=True)
    rates = [f"{count:.0f} {what}" for what, count in counts if count]
    span = fastest.start_s, fastest.end_s
    if not rates:
        return []
    return [
        statement(
            "insight",
            f"The clip is fastest {clock(span)}, with {listed(rates)} a minute.",
            span,
            ("shown", "said"),
            [("temporal_flow", fastest)],
        )
    ]


def silence(results: Results, min_s: float) -> list[Segment]:
    """Where nothing is heard, and which text is on screen meanwhile."""
    shown = by_time(results.get("text_overlay", ()))
    found = []
    for segment in results.get("audio_analysis", ()):
        if segment.label != "silence" or segment.end_s - segment.start_s < min_s:
            continue
        span = segment.start_s, segment.end_s
        texts = shown.overlapping(*span)
        meanwhile = f", with {listed([f'“{t.label}”' for t in texts])} on screen" if texts else ""
        evidence = [("audio_analysis", segment), *(("text_overlay", text) for text in texts)]
        modalities = ("heard", "written") if texts else ("heard",)
        found.append(
            statement("insight", f"It is silent {clock(span)}{meanwhile}.", span, modalities, evidence)
        )
    return found


def voice_over(results: Results, min_s: float) -> list[Segment]:
    """Speech where no analyzer has seen any sign of a person."""
    if "object_detection" not in results or "age_estimation" not in results:
        return []
    visible = by_time(anybody(results))
    found = []
    for phrase in results.get("speech_transcription", ()):
        length = phrase.end_s - phrase.start_s
        span = phrase.start_s, phrase.end_s
        if length >= min_s and covered_s(visible.overlapping(*span), *span) < 0.1 * length:
            found.append(
                statement(
                    "insight",
                    f"Somebody who is not shown speaks {clock(span)}.",
                    span,
                    ("said", "shown"),
                    [("speech_transcription", phrase)],
                )
            )
    return found


def music(results: Results, min_score: float) -> list[Segment]:
    """Where music is heard, alone or under speech, and its key and tempo."""
    windows = [
        window
        for window in results.get("audio_environment", ())
        if any(tag["tag"] == "Music" and tag["score"] >= min_score for tag in window.data.get("tags", ()))
    ]
    runs: list[list[Segment]] = []
    for window in windows:
        if runs and window.start_s <= runs[-1][-1].end_s:
            runs[-1].append(window)
        else:
            runs.append([window])
    summary = next((s for s in results.get("audio_analysis", ()) if s.label == "summary"), None)
    key = summary.data.get("key") if summary else None
    said = by_time(results.get("speech_transcription", ()))
    found = []
    for run in (run for run in runs if len(run) > 1):
        span = run[0].start_s, run[-1].end_s
        spoken = covered_s(said.overlapping(*span), *span) >= 0.5 * (span[1] - span[0])
        evidence = [("audio_environment", run[0])]
        if summary and key:
            evidence.append(("audio_analysis", summary))
        under, keyed = " under speech" if spoken else "", f", in {key}" if key else ""
        found.append(
            statement(
                "insight",
                f"Music{under} is heard {clock(span)}{keyed}.",
                span,
                ("heard", "said") if spoken else ("heard",),
                evidence,
            )
        )
    return found


def quality(results: Results, min_score: float, min_opinion: float, min_confidence: float) -> list[Segment]:
    """Where the picture is poor, frozen or blurred, and where speech is hard to understand."""
    found = []
    judged = [s for s in results.get("content_quality", ()) if s.label == "video" and "score" in s.data]
    if judged:
        worst = min(judged, key=lambda s: s.data["score"])
        if worst.data["score"] < min_score:
            span = worst.start_s, worst.end_s
            text = f"The picture is poorest {clock(span)}: {worst.data['score']:.2f} of 1."
            found.append(statement("insight", text, span, ("shown",), [("content_quality", worst)]))
    for segment in results.get("content_quality", ()):
        opinion = segment.data.get("mos_overall")
        if segment.label == "speech" and opinion is not None and opinion < min_opinion:
            span = segment.start_s, segment.end_s
            text = f"Speech sounds poor {clock(span)}: {opinion:.1f} of 5."
            found.append(statement("insight", text, span, ("heard",), [("content_quality", segment)]))
    for effect, said in (("freeze", "stands still"), ("blur", "is blurred")):
        for segment in results.get("visual_effects", ()):
            if segment.label == effect and is_sure(segment, min_confidence):
                span = segment.start_s, segment.end_s
                text = f"The picture {said} {clock(span)}."
                found.append(statement("insight", text, span, ("shown",), [("visual_effects", segment)]))
    return found
