"""Odd files: the times of frames."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from tools.odd_files import patterns
from tools.odd_files.declaration import Shown, odd_file, usual
from tools.odd_files.patterns import FPS, levels, numbered
from tools.odd_files.writing import X264, Copied, Encoded, Workshop, beeps, write

#: Frames that stay where every seventh one of a stretch is kept only.
KEPT = [n for n in range(patterns.COUNT) if not (20 <= n <= 60 and n % 7)]
#: Every third frame.
THIRDS = [n for n in range(patterns.COUNT) if n % 3 == 0]
SIZE = (patterns.WIDTH, patterns.HEIGHT)
#: One key frame every two seconds, and nothing that is decoded out of order.
LONG_GROUPS = {"qp": "4", "preset": "veryfast", "g": "60", "keyint_min": "60", "sc_threshold": "0", "bf": "0"}


def among(numbers: list[int]) -> list[Any]:
    """The usual frames `numbers`, each at its own time."""
    frames = numbered()
    return [frames[n] for n in numbers]


@odd_file("plain.mp4", "H.264 and AAC in MP4", usual())
def plain(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered()), beeps())


@odd_file(
    "frames_left_out.mp4",
    "variable frame rate: frames left out",
    usual(KEPT, times_s=[n / FPS for n in KEPT], duration_s=4),
)
def frames_left_out(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(among(KEPT)), beeps())


def held_for_three_seconds(number: int, packet: Any) -> Iterable[Any]:
    """The last of thirty frames lasts three seconds."""
    if number == FPS - 1:
        packet.duration = round(3 / packet.time_base)
    return [packet]


@odd_file(
    "last_frame_held.mp4",
    "a screen recording whose last frame is held for 3 s",
    usual(range(FPS), duration_s=3 + 29 / FPS),
)
def last_frame_held(path: Path, workshop: Workshop) -> None:
    plain = workshop.made(
        "one_second.mp4", lambda to: write(to, Encoded(numbered(FPS), options=X264 | {"bf": "0"}))
    )
    write(path, Copied(plain, edit=held_for_three_seconds), beeps())


@odd_file("still.mp4", "a podcast: one frame for 4 s of sound", usual(range(1), duration_s=4))
def still(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(1, Fraction(1, 4))), beeps())


@odd_file(
    "cut_in.mp4",
    "cut without encoding: an edit list hides 45 of 120 frames",
    usual(range(45, 120), beeps_s=(0.0, 1.0, 2.0), duration_s=2.5),
)
def cut_in(path: Path, workshop: Workshop) -> None:
    source = workshop.one_key()
    write(path, Copied(source, shift_s=-1.5), Copied(source, "audio", shift_s=-1.5))


@odd_file(
    "cut_one_frame.mp4",
    "an edit list hides one frame",
    usual(range(1, 120), beeps_s=[b - 1 / 30 for b in patterns.BEEPS_S], duration_s=119 / 30),
)
def cut_one_frame(path: Path, workshop: Workshop) -> None:
    source = workshop.one_key()
    write(path, Copied(source, shift_s=-1 / 30), Copied(source, "audio", shift_s=-1 / 30))


@odd_file("wrapped.ts", "MPEG-TS whose 33-bit clock starts again in the middle", usual())
def wrapped(path: Path, workshop: Workshop) -> None:
    clock_s = 2**33 / 90_000
    moved = clock_s - 2.0
    source = workshop.plain()
    write(path, Copied(source, shift_s=moved), Copied(source, "audio", shift_s=moved))


def recording(path: Path, first: int) -> Path:
    """Two seconds of MPEG-TS from frame `first` on, on a clock of their own."""
    frames = numbered(60, first=first)
    for frame in frames:
        frame.pts -= first
    samples = patterns.beeping(2, starts_s=first / FPS)
    return write(path, Encoded(frames), Encoded(patterns.sound_frames(samples), "aac", {}))


@odd_file(
    "joined.ts",
    "two recordings one after the other: cat a.ts b.ts",
    usual(),
    "it plays the sound of the second recording 30 ms late, behind the padding of the first",
)
def joined(path: Path, workshop: Workshop) -> None:
    first = workshop.made("first.ts", lambda to: recording(to, 0))
    second = workshop.made("second.ts", lambda to: recording(to, 60))
    path.write_bytes(first.read_bytes() + second.read_bytes())


def without_the_first_twelve(number: int, packet: Any) -> Iterable[Any]:
    """A stretch that begins between two key frames."""
    return [packet] if number >= 12 else []


@odd_file(
    "between_keys.ts", "a recording that begins between key frames", usual(range(60, 120), beeps_s=(0.5, 1.5))
)
def between_keys(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(), options=LONG_GROUPS, edit=without_the_first_twelve), beeps())


@odd_file(
    "between_keys_long.ts",
    "12 of 900 frames are lost before the first key frame",
    Shown(
        [n / FPS for n in range(876)],
        levels(range(24, 900), 0.2),
        size=SIZE,
        duration_s=29.2,
        beeps_s=[n + 0.5 - 0.8 for n in range(1, 30)],
    ),
)
def between_keys_long(path: Path, workshop: Workshop) -> None:
    options = LONG_GROUPS | {"g": "24", "keyint_min": "24"}
    frames = numbered(900, step=0.2)
    write(path, Encoded(frames, options=options, edit=without_the_first_twelve), beeps(seconds=30))


@odd_file(
    "empty_chunks.avi",
    "an AVI that leaves out two of three frames: empty chunks",
    usual(THIRDS, times_s=[n / FPS for n in THIRDS], beeps_s=None, duration_s=118 / 30),
)
def empty_chunks(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(among(THIRDS), "mpeg4", {"qscale": "1"}, settings={"qmin": 1, "qmax": 1}))


def all_at_zero(number: int, packet: Any) -> Iterable[Any]:
    """Every frame at the time 0."""
    packet.pts = packet.dts = 0
    return [packet]


@odd_file(
    "fps_240.mp4",
    "240 frames a second",
    Shown([n / 240 for n in range(240)], levels(range(240), 0.8), beeps_s=(0.5,), size=SIZE, duration_s=1),
)
def fps_240(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(240, 240, 0.8)), beeps(seconds=1))


@odd_file(
    "fps_1.mp4",
    "one frame a second",
    Shown(range(4), levels(range(4), 40), beeps_s=patterns.BEEPS_S, size=SIZE, duration_s=4),
)
def fps_1(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(4, 1, 40)), beeps())


@odd_file(
    "fps_1000.mkv",
    "a thousand frames a second",
    Shown([n / 1000 for n in range(1000)], levels(range(1000), 0.2), size=SIZE, duration_s=1),
)
def fps_1000(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(1000, 1000, 0.2)))


@odd_file(
    "ntsc.mp4",
    "29.97 frames a second",
    Shown(
        [n * 1001 / 30000 for n in range(120)],
        levels(range(120)),
        beeps_s=patterns.BEEPS_S,
        size=SIZE,
        duration_s=4.004,
    ),
)
def ntsc(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(120, Fraction(30000, 1001))), beeps())


@odd_file("single.mp4", "one frame, 33 ms", usual(range(1), beeps_s=None))
def single(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(1)))


@odd_file("fragmented.mp4", "fragmented MP4, as streams are", usual())
def fragmented(path: Path, workshop: Workshop) -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    # Fragments have no edit list that could hide the 1024 samples which AAC begins with.
    samples = patterns.beeping(starts_s=1024 / 48_000)
    sound = Encoded(patterns.sound_frames(samples, first=1024), "aac", {})
    write(path, Encoded(numbered(), options=X264 | {"bf": "0"}), sound, options=options)


@odd_file("live.mkv", "Matroska without duration and index, as a live stream is", usual())
def live(path: Path, workshop: Workshop) -> None:
    options = {"live": "1"}
    write(path, Copied(workshop.plain()), Copied(workshop.plain(), "audio"), options=options)


@odd_file("same_time.mkv", "all frames at the same time", Shown([0.0] * 30, levels(range(30)), size=SIZE))
def same_time(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(30), options=X264 | {"bf": "0"}, edit=all_at_zero))


@odd_file("wall_time.mkv", "picture and sound in seconds since 1970", usual())
def wall_time(path: Path, workshop: Workshop) -> None:
    source = workshop.plain()
    write(path, Copied(source, shift_s=1.749e9), Copied(source, "audio", shift_s=1.749e9))


def jittered() -> list[int]:
    """Ticks of 1/1000 s as a phone in poor light writes them: 33 ms on average, 25 to 100 ms apart."""
    steps = np.random.default_rng(1).choice([25, 33, 34, 40, 100], size=59)
    return [0, *(int(tick) for tick in np.cumsum(steps))]


@odd_file(
    "phone.mov",
    "a phone in poor light: every frame as long as it took",
    usual(range(60), times_s=[tick / 1000 for tick in jittered()], duration_s=4),
)
def phone(path: Path, workshop: Workshop) -> None:
    frames = numbered(60)
    for frame, tick in zip(frames, jittered(), strict=True):
        frame.pts, frame.time_base = tick, Fraction(1, 1000)
    write(path, Encoded(frames), beeps())
