"""H.264 whose fields are pictures of their own, written bit by bit, since no free encoder writes it.

Each macroblock is I_PCM: its samples stand there as they are, and nothing has to be transformed or predicted.
Clauses and names are those of ITU-T H.264.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tools.odd_files.patterns import FPS

I_PCM = 25
I_SLICE = 7
SPS, PPS, IDR, NON_IDR = 0x67, 0x68, 0x65, 0x61


class Bits:
    """A string of bits that grows at its end."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def put(self, value: int, width: int) -> Bits:
        """An unsigned number of `width` bits, u(n)."""
        self.text.append(f"{value:0{width}b}")
        return self

    def golomb(self, *values: int) -> Bits:
        """Unsigned Exp-Golomb codes, ue(v)."""
        for value in values:
            code = f"{value + 1:b}"
            self.text.append("0" * (len(code) - 1) + code)
        return self

    def align(self, filler: str = "0") -> Bits:
        """`filler` up to the next whole byte."""
        self.text = ["".join(self.text)]
        self.text.append(filler * (-len(self.text[0]) % 8))
        return self

    def unit(self, header: int) -> bytes:
        """A NAL unit: start code, header, and the bits with a stop bit, escaped (7.4.1)."""
        self.put(1, 1).align()
        text = "".join(self.text)
        raw = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
        escaped, zeros = bytearray(), 0
        for byte in raw:
            if zeros == 2 and byte <= 3:
                escaped.append(3)
                zeros = 0
            escaped.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes([header]) + bytes(escaped)


def parameter_sets(columns: int, rows: int) -> bytes:
    """The parameter sets of a Main profile stream of `columns`×`rows` macroblocks a frame, interlaced."""
    sequence = Bits().put(77, 8).put(0, 8).put(30, 8)
    sequence.golomb(0, 0, 2, 1)  # id, log2_max_frame_num - 4, pic_order_cnt_type, num_ref_frames
    sequence.put(0, 1).golomb(columns - 1, rows // 2 - 1)
    sequence.put(0, 1).put(0, 1).put(1, 1)  # frame_mbs_only, mb_adaptive_frame_field, direct_8x8_inference
    sequence.put(0, 1).put(0, 1)  # no cropping, no VUI
    picture = Bits().golomb(0, 0).put(0, 1).put(0, 1).golomb(0, 0, 0).put(0, 3)
    picture.golomb(0, 0, 0).put(0, 3)
    return sequence.unit(SPS) + picture.unit(PPS)


def field_picture(samples: np.ndarray, bottom: bool) -> bytes:
    """One field `[H, W]` of luma as an IDR picture, or as the second field of one."""
    slice_data = Bits().golomb(0, I_SLICE, 0).put(0, 4)  # first_mb, type, PPS, frame_num
    slice_data.put(1, 1).put(int(bottom), 1)  # field_pic_flag, bottom_field_flag
    if bottom:
        slice_data.put(0, 1)  # adaptive_ref_pic_marking_mode_flag
    else:
        slice_data.golomb(0).put(0, 2)  # idr_pic_id, no_output_of_prior_pics, long_term_reference
    slice_data.golomb(0)  # slice_qp_delta
    for row in range(0, samples.shape[0], 16):
        for column in range(0, samples.shape[1], 16):
            slice_data.golomb(I_PCM).align()
            block = samples[row : row + 16, column : column + 16].tobytes() + bytes([128]) * 128
            slice_data.text += [f"{byte:08b}" for byte in block]
    return slice_data.unit(NON_IDR if bottom else IDR)


def field_coded(path: Path, planes: Sequence[np.ndarray], own_packets: bool = False) -> None:
    """Write luma planes `[H, W]`, whole macroblocks high and wide, each as two field pictures.

    With `own_packets`, each field is a packet and has a time; otherwise a packet has both.
    """
    height, width = planes[0].shape
    header = parameter_sets(width // 16, height // 16)
    with av.open(str(path), "w") as opened:
        stream = opened.add_mux_stream("h264", rate=FPS, width=width, height=height)
        for n, plane in enumerate(planes):
            fields = [header + field_picture(plane[0::2], False), field_picture(plane[1::2], True)]
            for number, data in enumerate(fields if own_packets else [b"".join(fields)]):
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, 2 * FPS)
                packet.pts = packet.dts = 2 * n + number
                packet.duration, packet.is_keyframe = 1 if own_packets else 2, number == 0
                opened.mux(packet)
