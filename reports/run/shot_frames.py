"""The frames of a run that report.html shows, with what was found in each: read from the run's folder."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.analyzers.base import Segment
from clipbench.bench.runs import kept_frames
from clipbench.bench.runs.kept_frames import ClipFrames, KeptFrame
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import from_json
from clipbench.reports import formatting
from clipbench.reports.run import found_marks
from clipbench.reports.run.found_marks import Marks

#: Key, name and analyzers of what is drawn, in the order of the buttons, and what a reader sees of it.
LAYERS = (
    ("objects", "objects", ("object_detection",), "a box with the class and how sure it is"),
    ("people", "people", ("background_segmentation",), "the mask of all people, tinted"),
    ("texts", "texts", ("text_overlay",), "a dashed box with what was read"),
    ("faces", "faces", ("age_estimation", "eye_tracking"),
     "a box with gender and age, or the gaze, and dots on the irises"),
    ("poses", "poses", ("body_pose",), "the joints that were seen, and limbs between them"),
)  # fmt: skip
DESCRIBING = "qwen2_vl_temporal"


@dataclass(frozen=True)
class Still:
    """One frame: its picture as a data URI ("" where the file is gone), what is drawn, and what it says.

    `alt` is the text alternative, `caption` the shot and its time, `sentence` the description of the scene.
    """

    uri: str
    width: int
    height: int
    file: str
    marks: Marks
    alt: str
    caption: str
    times: str
    sentence: str


@dataclass(frozen=True)
class ClipStills:
    """The frames of a clip, and in sentences what is missing."""

    clip: str
    stills: list[Still]
    notes: list[str]

    @property
    def wide(self) -> bool:
        """Whether its frames are wider than high."""
        return any(still.width > still.height for still in self.stills)


@dataclass(frozen=True)
class Stills:
    """What the section of the report has: clips, the layers that there are, notes on all of them.

    A layer is its key, its name, the analyzer whose colour it has, and what it means. `stand_in` says why the
    sentences are not those of the model that they would be of, "" where they are.
    """

    clips: list[ClipStills]
    layers: list[tuple[str, str, str, str]]
    notes: list[str]
    stand_in: str


def stills(result: Result, folder: Path | None) -> Stills | None:
    """The frames that are kept in the folder of the run; None where there are none."""
    if folder is None or result.run.simulated:
        return None
    try:
        kept = kept_frames.read(folder)
    except ValueError as error:
        return Stills([], [], [f"{kept_frames.FOLDER}/{kept_frames.INDEX} cannot be read: {error}"], "")
    if kept is None:
        return None
    if kept.reason:
        return Stills([], [], [f"No frames: {kept.reason}."], "")
    clips = [clip_stills(one, folder) for one in kept.clips]
    notes = []
    if kept.clips_in_all > len(kept.clips):
        notes.append(f"Frames of {len(kept.clips)} of the {kept.clips_in_all} clips are shown.")
    if result.run.models == "random":
        notes.append("The weights are random: what is drawn shows where results land, and means nothing.")
    describing = result.analyzers.get(DESCRIBING)
    stand_in = describing.stand_in or "" if describing else ""
    return Stills(clips, layers_of(result), notes, stand_in)


def layers_of(result: Result) -> list[tuple[str, str, str, str]]:
    """The layers whose analyzers were in the run, each with the names of these."""
    found = []
    for key, name, analyzers, meaning in LAYERS:
        there = [one for one in analyzers if one in result.analyzers]
        if there:
            found.append((key, name, there[0], f"{' and '.join(there).replace('_', ' ')}: {meaning}"))
    return found


def clip_stills(clip: ClipFrames, folder: Path) -> ClipStills:
    """The frames of one clip."""
    if clip.reason:
        return ClipStills(clip.clip, [], [f"No frames: {clip.reason}."])
    notes = list(clip.left_out)
    if clip.shots is None:
        notes.append("Its shots are not known, so these are frames at equal distances.")
    found: dict[str, list[Segment]] = {}
    for name in (*(name for _, _, names, _ in LAYERS for name in names), DESCRIBING):
        try:
            found[name] = segments_of(folder / clip.segments / f"{name}.json")
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            notes.append(f"What {name} found cannot be read: {error}.")
    return ClipStills(clip.clip, [still(frame, clip, found, folder) for frame in clip.frames], notes)


def segments_of(path: Path) -> list[Segment]:
    """The segments in a file. Raises OSError, and ValueError for what is none."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(raw, list):
        raise ValueError(f"{path.name} is no list of segments")
    return [from_json(Segment, one, f"{path.name}[{at}]") for at, one in enumerate(raw)]


def still(frame: KeptFrame, clip: ClipFrames, found: Mapping[str, Sequence[Segment]], folder: Path) -> Still:
    """One frame with what was found in it."""
    marks = found_marks.at_time(found, frame.time_s)
    caption = f"Shot {frame.shot + 1} of {clip.shots}" if frame.shot is not None else "Frame"
    sentences = [one.label for one in found.get(DESCRIBING, []) if found_marks.holds(one, frame.time_s)]
    at = f"{frame.time_s:.2f} s"
    span = f"{'of' if frame.shot is not None else 'for'} {frame.start_s:.2f} … {frame.end_s:.2f} s"
    return Still(
        uri=picture(folder / kept_frames.FOLDER / Path(frame.file).name),
        width=frame.width,
        height=frame.height,
        file=f"{kept_frames.FOLDER}/{Path(frame.file).name}",
        marks=marks,
        alt=f"{caption}, at {at}: {marks.described()}",
        caption=caption,
        times=f"at {at}, {span}",
        sentence=formatting.shortened(sentences[0], 300) if sentences else "",
    )


def picture(path: Path) -> str:
    """A JPEG file as a data URI; "" where it is not there."""
    try:
        return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}"
    except OSError:
        return ""
