"""The channels of frames of sound: which they are, how they are read, and what is made of them for mono."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

#: Of more channels, PyAV 18 writes beyond its buffer when it names an unusual layout, and reads beyond the
#: planes of planar sound.
MOST_NAMED = 6
#: Weights of the channels of table 3 of BS.1770-4; the others count as they are.
_WEIGHTS = {
    "LFE": 0.0, "LFE2": 0.0, "BL": 1.41, "BR": 1.41, "BC": 1.41, "SL": 1.41, "SR": 1.41,
}  # fmt: skip
#: The layouts of coded sound of more than `MOST_NAMED` channels, which are not asked for their names.
_MANY = {7: "6.1", 8: "7.1"}


class Channels:
    """Reads the channels of frames of the form of the first."""

    def __init__(self, first: Any) -> None:
        count = first.layout.nb_channels
        self._packer = packer(first) if count > MOST_NAMED and first.format.is_planar else None
        names = []
        if count <= MOST_NAMED and has_known_layout(first):
            names = [channel.name for channel in first.layout.channels]
        elif self._packer is not None:
            names = [channel.name for channel in self._packer.layout.channels]
        #: What each channel counts in loudness; all the same where nobody knows which is which.
        self.weights = np.array([_WEIGHTS.get(name, 1.0) for name in names] or [1.0] * count)
        self._readable = self._packer is not None or count <= MOST_NAMED or not first.format.is_planar

    def samples(self, frame: Any) -> np.ndarray:
        """The samples of a frame, float [channels, N] between -1 and 1; NaN if they cannot be read."""
        import av

        if self._readable and self._packer is None:
            return read(frame)
        try:
            packed = self._packer.resample(frame) if self._packer is not None else []
            return np.concatenate([read(part) for part in packed], axis=1)
        except (av.error.FFmpegError, ValueError):
            return np.full((len(self.weights), frame.samples), np.nan)


def packer(first: Any) -> Any | None:
    """What puts coded sound of many channels on one plane, which can be read; None for an unusual number."""
    import av

    layout = _MANY.get(first.layout.nb_channels)
    return None if layout is None else av.AudioResampler("flt", layout, first.sample_rate)


def read(frame: Any) -> np.ndarray:
    """The samples of a frame whose planes can be read, float [channels, N]; NaN and infinity are silence."""
    samples: np.ndarray = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.float64) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples / float(1 << (8 * samples.itemsize - 1))
    else:
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return samples


def state_channels(decoder: Any) -> None:
    """State the layout of uncompressed sound of more than two channels by their number.

    PyAV 18 frees the list of channels that QuickTime files bring for it twice, and the process dies. From the
    layout itself the number cannot be read: that is what frees the list.
    """
    bits = re.match(r"pcm_(?:[a-z]*?(\d+)|alaw|mulaw)", decoder.name)
    if not bits or decoder.is_open or not decoder.bit_rate or not decoder.sample_rate:
        return
    channels = round(decoder.bit_rate / decoder.sample_rate / int(bits[1] or 8))
    if channels > 2:
        decoder.layout = f"{channels}{'c' if channels <= MOST_NAMED else 'C'}"


def form_of(frame: Any) -> tuple[int, str, int, str]:
    """What has to stay as it is for one resampler."""
    channels = frame.layout.nb_channels
    layout = frame.layout.name if channels <= MOST_NAMED else ""
    return frame.sample_rate, layout, channels, frame.format.name


def has_known_layout(frame: Any) -> bool:
    """Whether the resampler knows how loud each channel is in a mix."""
    channels = frame.layout.nb_channels
    if channels > MOST_NAMED:
        # Coded sound has standard layouts, whose names are short; its planes must not be read, see above.
        return bool(frame.format.is_planar)
    return "channel" not in frame.layout.name


def usable(frame: Any, mean: bool) -> Any:
    """The frame as the resampler takes it: without NaN and infinity, or the `mean` of its channels."""
    name = frame.format.name
    is_float = name.startswith(("flt", "dbl"))
    if frame.format.is_planar and frame.layout.nb_channels > MOST_NAMED:
        return frame
    if not mean and not is_float:
        return frame
    samples = frame.to_ndarray()
    if is_float and not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    elif not mean:
        return frame
    if mean:
        samples = read(frame).mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
    import av

    made = av.AudioFrame.from_ndarray(samples, "flt" if mean else name, "mono" if mean else frame.layout.name)
    made.sample_rate = frame.sample_rate
    return made
