"""Quality of picture and speech, without an original to compare with.

The picture, as means over each second, on frames of one size so that clips can be compared:

- `sharpness`: root mean square of the Sobel gradient in levels per pixel (Tenengrad).
- `noise`: standard deviation in levels (J. Immerkaer, "Fast Noise Variance Estimation", CVIU 64(2), 1996).
- `exposure`: 0..1, the share of pixels neither black nor white, reduced if the mean is far from grey.
- `brisque`: about 0 (good) to 100 (bad), see brisque.py; null if the picture is plain.
- `score`: the geometric mean of the four, each scaled to 0..1, because one bad property spoils a picture.
  It cannot tell a fault from an intention: a night scene or film grain lowers it, too.

Speech, one segment per 9 s of speech without the pauses, which the network hears at once: mean opinion scores
1..5 by DNSMOS P.835 (C. K. A. Reddy, V. Gopal, R. Cutler, ICASSP 2022).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    FrameRequest,
    FrameSettings,
    Needs,
    Segment,
    Settings,
    setting,
)
from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.voice_activity import (
    Joiner,
    Listening,
    SpeechSettings,
    listen,
)
from clipbench.analyzers.features.vision.brisque import Brisque

#: Samples in the speech network's input.
_SAMPLES = 144160
#: Seconds after which speech without a pause is divided: so much sound is carried from chunk to chunk.
LONGEST_S = 60.0
#: Its scores in order, and the polynomials (highest power first) that map them to the scale of opinions, from
#: the package that it comes with.
_SCORES = {
    "mos_signal": (-0.08397278, 1.22083953, 0.0052439),
    "mos_background": (-0.13166888, 1.60915514, -0.39604546),
    "mos_overall": (-0.06766283, 1.11546468, 0.04602535),
}
_SECOND_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


#: A stretch of speech, start and end in seconds, and its sound.
Cut: TypeAlias = tuple[tuple[float, float], np.ndarray]


class Hearing(NamedTuple):
    """What is carried from chunk to chunk of a clip with sound; `open` is the speech of the next rating."""

    listening: Listening
    joiner: Joiner
    open: list[Cut]


class Seen(NamedTuple):
    """What is found in a chunk: the time and the measures of each frame, and the ratings of speech."""

    times_s: list[float]
    measured: list[dict[str, float | None]]
    voices: list[Segment]


@dataclass
class QualitySettings(FrameSettings, SpeechSettings):
    """Settings of an analyzer that rates pictures and speech."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    speech_model: str = setting("dnsmos", "model card of the network for speech")
    join_s: float = setting(1.0, "pauses up to this many seconds belong to the speech", low=0, high=9)
    min_total_s: float = setting(0.5, "less speech than this is not scored", low=0.1, high=9)


class QualityAnalyzer(ChunkedAnalyzer[Hearing | None, Seen]):
    """Rates speech by DNSMOS, and each second of the picture by what a subclass measures of its frames."""

    settings: QualitySettings
    settings_type: ClassVar[type[Settings]] = QualitySettings

    def measure_frames(self, clip: Chunk, images: np.ndarray) -> list[dict[str, float | None]]:
        """The measures of each of the clip's frames, uint8 RGB [T, H, W, 3], by their names."""
        raise NotImplementedError

    def open_speech_networks(self) -> None:
        """Open the networks that find and rate speech."""
        self._speech = onnx_networks.open_network(self.settings.speech_model)
        self._vad = onnx_networks.open_network(self.settings.vad_model)

    def close_speech_networks(self) -> None:
        """Close what `open_speech_networks` opened."""
        self._speech.close()
        self._vad.close()

    def needs(self) -> Needs:
        return Needs(frames=(FrameRequest(self.settings.fps, self.settings.size),), audio=True)

    def begin(self, clip: ClipFacts) -> Hearing | None:
        if not clip.has_audio:
            return None
        settings = self.settings
        return Hearing(Listening(), Joiner(settings.join_s, LONGEST_S, least_s=settings.min_total_s), [])

    def feed(self, chunk: Chunk, state: Hearing | None) -> tuple[Seen, Hearing | None]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        measured = self.measure_frames(chunk, images) if len(times) else []
        return Seen(times.tolist(), measured, self._voices(chunk, state) if state else []), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Seen],
        state: Hearing | None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times = np.array([time for seen in found for time in seen.times_s])
        measured = [one for seen in found for one in seen.measured]
        voices = [voice for seen in found for voice in seen.voices]
        return sorted(self._video(clip, times, measured) + voices, key=lambda segment: segment.start_s)

    def headline(self, segments: list[Segment]) -> str:
        scores = [s.data["score"] for s in segments if s.label == "video"]
        parts = [f"picture {sum(scores) / len(scores):.2f} of 1"] if scores else []
        parts += [f"speech {s.data['mos_overall']:.1f} of 5" for s in segments if s.label == "speech"][:1]
        return ", ".join(parts)

    def _video(
        self, clip: ClipFacts, times: np.ndarray, measured: list[dict[str, float | None]]
    ) -> list[Segment]:
        end_s = max(clip.duration_s, float(times[-1]))
        # The first frame of each second, and one past the last.
        firsts = [0, *(1 + np.flatnonzero(np.diff(np.floor(times + 1e-6)))).tolist(), len(times)]
        segments = []
        for first, stop in pairwise(firsts):
            data = {key: _mean([each[key] for each in measured[first:stop]]) for key in measured[first]}
            span = float(times[first]), float(times[stop]) if stop < len(times) else end_s
            segments.append(Segment(*span, "video", None, data))
        return segments

    def _voices(self, chunk: Chunk, state: Hearing) -> list[Segment]:
        """The stretches of speech that become known with this chunk, rated."""
        listening, settings = state.listening, self.settings
        regions = listen(chunk, self._vad, settings, listening)
        spans = state.joiner.add(regions, listening, settings)
        cut = [
            (span, listening.samples(int(span[0] * SAMPLE_RATE), int(span[1] * SAMPLE_RATE)).copy())
            for span in spans_to_hear(spans)
        ]
        groups = together(state.open, cut, listening.over)
        listening.forget_before(state.joiner.needed_s(listening, settings))
        groups = [group for group in groups if sum(b - a for (a, b), _ in group) >= settings.min_total_s]
        if not groups:
            return []
        stretches = [np.concatenate([sound for _, sound in group]) for group in groups]
        # np.resize repeats a stretch that is too short, as the network's package does.
        (raw,) = self._speech(np.stack([np.resize(stretch, _SAMPLES) for stretch in stretches]), batch=4)
        segments = []
        for group, row in zip(groups, raw.astype(float), strict=True):
            data = {
                key: round(float(np.clip(np.polyval(polynomial, value), 1, 5)), 3)
                for (key, polynomial), value in zip(_SCORES.items(), row, strict=True)
            }
            segments.append(
                Segment(round(group[0][0][0], 3), round(group[-1][0][1], 3), "speech", None, data)
            )
        return segments


@dataclass
class ContentQualitySettings(QualitySettings):
    """Settings of content_quality."""

    brisque_model: str = setting("brisque", "model card of the support vector machine for pictures")
    sharp: float = setting(4.0, "sharpness that scores a half", low=0.01, high=255)
    noisy: float = setting(4.0, "noise that scores a half", low=0.01, high=255)


class ContentQuality(QualityAnalyzer):
    """BRISQUE, sharpness, noise and exposure of the picture; DNSMOS of the speech."""

    name = "content_quality"
    settings: ContentQualitySettings
    settings_type = ContentQualitySettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.brisque_model, self.settings.speech_model, self.settings.vad_model)

    def load(self, device: str = "cpu") -> None:
        self._brisque: Brisque | None = Brisque(weights.resolve(self.settings.brisque_model))
        self.open_speech_networks()

    def unload(self) -> None:
        self.close_speech_networks()
        self._brisque = None

    def measure_frames(self, clip: Chunk, images: np.ndarray) -> list[dict[str, float | None]]:
        import cv2

        return [self._measure(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) for image in images]

    def _measure(self, grey: np.ndarray) -> dict[str, float | None]:
        assert self._brisque is not None
        sharp, noisy, exposed = sharpness(grey), noise(grey), exposure(grey)
        brisque = self._brisque(grey)
        parts = [
            sharp / (sharp + self.settings.sharp),
            exposed,
            self.settings.noisy / (noisy + self.settings.noisy),
        ]
        if brisque is not None:
            parts.append(1 - brisque / 100)
        # No part counts as less than a hundredth, so that the others still distinguish bad from worse.
        score = float(np.exp(np.log(np.clip(parts, 0.01, 1)).mean()))
        return {
            "sharpness": sharp,
            "noise": noisy,
            "exposure": exposed,
            "brisque": brisque,
            "score": score,
        }


def spans_to_hear(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches of speech, those that are longer than the network hears at once in equal parts."""
    longest = _SAMPLES / SAMPLE_RATE
    return [
        part
        for start_s, end_s in spans
        for part in pairwise(
            np.linspace(start_s, end_s, int(np.ceil((end_s - start_s) / longest)) + 1).tolist()
        )
    ]


def together(open_group: list[Cut], cut: Sequence[Cut], over: bool) -> list[list[Cut]]:
    """Groups of stretches that the network hears at once, as they are complete.

    `open_group` is the one that more may be added to, and is changed in place; it ends with the clip.
    """
    longest = _SAMPLES / SAMPLE_RATE
    done = []
    for span, sound in cut:
        full = sum(b - a for (a, b), _ in open_group) + span[1] - span[0] > longest
        if full and open_group:
            done.append(open_group[:])
            open_group.clear()
        open_group.append((span, sound))
    if over and open_group:
        done.append(open_group[:])
        open_group.clear()
    return done


def _mean(values: list[float | None]) -> float | None:
    """The mean of the known values, or None."""
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known else None


def sharpness(grey: np.ndarray) -> float:
    """Root mean square gradient of uint8 `[H, W]`, in levels per pixel."""
    import cv2

    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1)))
    return float(np.sqrt(np.mean(across * across + down * down)))


def noise(grey: np.ndarray) -> float:
    """Standard deviation of the noise in uint8 `[H, W]`, in levels; fine texture partly counts as noise."""
    import cv2

    if min(grey.shape) < 3:
        return 0.0
    response = cv2.filter2D(grey, cv2.CV_32F, _SECOND_DIFFERENCE)[1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) * np.abs(response).mean() / 6)


def exposure(grey: np.ndarray) -> float:
    """0..1: one if nothing is clipped and the mean is in the middle half of the range."""
    clipped = np.count_nonzero((grey <= 4) | (grey >= 251)) / grey.size
    mean = float(grey.mean()) / 255
    return float(1 - clipped) * min(1.0, 4 * mean, 4 * (1 - mean))
