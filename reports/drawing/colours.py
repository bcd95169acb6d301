"""The colours of a timeline: one per analyzer, the same in every run; hatches for what is not analysis."""

from __future__ import annotations

import colorsys
import zlib

INK, FAINT = "#1f2933", "#66727f"
#: By kind of content: things, people and text red to violet, the picture blue to teal, sound yellow to green,
#: analyzers that read the results of others brown.
COLOURS = {
    "object_detection": "#e4572e", "body_pose": "#f59a9a", "background_segmentation": "#b5179e",
    "age_estimation": "#dcaeea", "eye_tracking": "#8257d6", "text_overlay": "#f5a55c",
    "cut_analysis": "#2f6fde", "camera_analysis": "#8cbcf5", "visual_effects": "#1e3d8c",
    "scene_segmentation": "#2a9d8f", "color_analysis": "#93dccc", "content_quality": "#4f7cac",
    "qwen2_vl_temporal": "#bf1029", "temporal_flow": "#b08968", "cross_analyzer_intelligence": "#6b4632",
    "speech_transcription": "#f4c64f", "speech_flow": "#cde66b", "speech_emotion": "#c29b1c",
    "audio_analysis": "#79cf63", "audio_environment": "#1f7a4a",
}  # fmt: skip
#: Phase that is not analysis → face colour and matplotlib's hatch. page.html.j2 has the same as SVG.
PHASES = {
    "spawn": ("#ffffff", "...."),
    "import": ("#ffffff", "xxxx"),
    "load": ("#dfe3e8", ""),
    "decode": ("#ffffff", "////"),
    "cleanup": ("#b4bcc5", ""),
}
HATCH = "#a3acb6"
IDLE = "#eef1f4"


def colour(analyzer: str) -> str:
    """The analyzer's colour, as "#rrggbb": chosen for the built-in ones, derived from the name for others."""
    if analyzer in COLOURS:
        return COLOURS[analyzer]
    seed = zlib.crc32(analyzer.encode(errors="replace"))
    rgb = colorsys.hls_to_rgb(seed % 360 / 360, 0.45 + seed // 360 % 4 * 0.1, 0.5)
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


def ink_on(face: str) -> str:
    """Black or white, whichever reads better on the colour `face` (relative luminance as in WCAG 2)."""
    channels = (int(face[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if luminance > 0.2 else "white"
