"""Render a clip and its ground truth: `python -m tools.rendered_clips.render reference`.

It writes clips/reference.mp4 and clips/reference.json, or into the folder that --out names; so for the clips
"second" and "negative". The frames are always the same; the encoded file may differ between versions of the
encoder, so the truth has its SHA-256.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import av
import numpy as np

from tools.rendered_clips import soundtrack
from tools.rendered_clips.drawing import render
from tools.rendered_clips.scenes import CLIPS, NAMES, Script, load_script
from tools.rendered_clips.truth import ground_truth


def encode(script: Script, path: Path) -> None:
    """Write the clip as H.264 and AAC in an mp4 that begins with its index."""
    width, height = script.size
    fps = script.data["fps"]
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"crf": str(script.data.get("crf", 26)), "preset": "medium", "threads": "1"}
        video.codec_context.color_range = 1
        sound = container.add_stream("aac", rate=soundtrack.RATE, layout="mono")
        sound.bit_rate = 128_000
        for index in range(script.data["frames"]):
            frame = av.VideoFrame.from_ndarray(render(script, index), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = soundtrack.mix(script)
        for start in range(0, len(samples), 1024):
            piece = np.ascontiguousarray(samples[None, start : start + 1024])
            chunk = av.AudioFrame.from_ndarray(piece, format="flt", layout="mono")
            chunk.sample_rate, chunk.pts = soundtrack.RATE, start
            container.mux(sound.encode(chunk))
        container.mux(sound.encode(None))


def as_json(truth: dict[str, Any]) -> str:
    """JSON with a line for each key and each entry of a list: small, but readable in a diff."""
    lines = []
    for key, value in truth.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = ",\n  ".join(compact(entry) for entry in value)
            lines.append(f' "{key}": [\n  {inner}\n ]')
        else:
            lines.append(f' "{key}": {compact(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--out", type=Path, default=CLIPS, help="the folder to write into (default: clips/)")
    arguments = parser.parse_args()
    for name in arguments.names:
        script, film = load_script(name), arguments.out / f"{name}.mp4"
        encode(script, film)
        truth = ground_truth(script)
        truth["clip"]["sha256"] = hashlib.sha256(film.read_bytes()).hexdigest()
        film.with_suffix(".json").write_text(as_json(truth), encoding="utf-8")
        print(f"{film}: {film.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
