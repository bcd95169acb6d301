"""The frames of a run's clips that its report shows: frames/ in the run's folder, with what they are.

`frames.json` there names a picture for each shot that was chosen, and says what is missing and why. Results
of earlier versions, simulated runs and runs with `report.frames=false` have no such folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from clipbench.bench.file_names import readable
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.storage import read_kept, write_json

SCHEMA = 1
#: The folder within that of the run, and the file in it that says what the pictures are.
FOLDER, INDEX = "frames", "frames.json"


@dataclass(frozen=True)
class KeptFrame:
    """One picture: a JPEG `file` in the folder, `width` times `height` pixels, of the clip's second `time_s`.

    It stands for the seconds `[start_s, end_s)`: the shot number `shot`, counted from 0, or a stretch of a
    clip whose shots are not known.
    """

    file: str
    time_s: float
    start_s: float
    end_s: float
    width: int
    height: int
    shot: int | None = None


@dataclass(frozen=True)
class ClipFrames:
    """The pictures of one clip, whose segments are in `segments` (a folder in that of the run).

    `shots` is how many it has, None where they are not known. `left_out` says in sentences which shots have
    no picture; `reason` why there is none at all.
    """

    clip: str
    segments: str
    shots: int | None = None
    frames: list[KeptFrame] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    reason: str = ""


@dataclass(frozen=True)
class KeptFrames:
    """The pictures of a run. `clips_in_all` is how many clips it had, of which these are some.

    `reason` is why there are none of any.
    """

    clips: list[ClipFrames]
    clips_in_all: int
    reason: str = ""
    schema: int = SCHEMA


def write(kept: KeptFrames, pictures: dict[str, bytes], folder: Path) -> None:
    """Write the pictures, by file name, and what they are, into the folder of a run; raises OSError."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    for name, picture in pictures.items():
        (place / name).write_bytes(picture)
    write_json(place / INDEX, to_json(kept, readable), durable=False)


def read(folder: Path) -> KeptFrames | None:
    """What was kept in the folder of a run; None where nothing was. Raises ValueError for what is damaged."""
    path = folder / FOLDER / INDEX
    return read_kept(KeptFrames, path, SCHEMA) if path.exists() else None
