"""Coverage: how much of what the truth labels an analyzer gave an answer to at all.

Figures that compare what was found say nothing of what was never looked at. These do.
"""

from __future__ import annotations

from clipbench.bench.quality.declaration import Figure, NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_tracks import track_times
from clipbench.bench.quality.matching import frames_in


def of_frames(analyzer: str, key: str, also: str | None = None) -> Figure:
    """The figure that says how many of the moments that the truth labels under `key` were looked at.

    `also` are tracks that count neither way.
    """

    def share(scored: Scored) -> float:
        """Share of the labelled moments within half a second of a frame that was looked at."""
        times = track_times(scored, key, also)
        if not times:
            raise NotLabelled(f"the ground truth labels no moment of {key}")
        return sum(scored.was_looked_at(time_s) for time_s in times) / len(times)

    return figure(analyzer, "coverage", "higher")(share)


def of_answers(analyzer: str, key: str) -> Figure:
    """The same for an analyzer that has an answer for every frame: one is there for the labelled moments."""

    def share(scored: Scored) -> float:
        """Share of the labelled moments to which an answer was given, from at most half a second away."""
        labels = scored.labelled(key)
        times = scored.times(key, (label["time_s"] for label in labels))
        if not times:
            raise NotLabelled(f"the ground truth labels no moment of {key}")
        return sum(bool(scored.near(time_s)) for time_s in times) / len(times)

    return figure(analyzer, "coverage", "higher")(share)


def of_time(analyzer: str, key: str, *labels: str) -> Figure:
    """The figure that says how much of a clip segments with these `labels` cover, or any without one.

    It is measured where the truth has `key`. Where that has stretches of something that is heard (speech),
    only they count.
    """

    def share(scored: Scored) -> float:
        """Share of the labelled time that the segments cover."""
        known = scored.labelled(key)
        wanted = [(0.0, scored.duration_s)]
        if key == "speech":
            wanted = [(part["start_s"], part["end_s"]) for part in known]
        found = scored.of(*labels) if labels else scored.segments
        asked = frames_in(wanted, scored.duration_s)
        if not asked.any():
            raise NotLabelled(f"the ground truth has no {key}")
        given = frames_in([(s.start_s, s.end_s) for s in found], scored.duration_s)
        return float((asked & given).sum() / asked.sum())

    return figure(analyzer, "coverage", "higher")(share)
