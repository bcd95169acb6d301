"""A run made by hand in which all is as it should be: what the truth says, found in good time on a busy GPU.

What a test wants to see fail, it spoils in the segments, the times or the telemetry: where a metric is
computed from, never in the metric.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.measuring import session
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.planning import config
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.quality.labelled_tracks import sample_at, truth_at
from clipbench.bench.quality.matching import overlap
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Cleanup, Result
from clipbench.bench.runs.telemetry import (
    GpuSeries,
    GpusTelemetry,
    GpuTelemetry,
    ProcessSeries,
    SamplerCost,
    Telemetry,
)
from clipbench.executors.base import Outcome, Plan, Span
from tests.support.command_line import PROJECT

TRUTH = json.loads((PROJECT / "clips" / "reference.json").read_text())
CLIP = ClipInfo(
    str(PROJECT / "clips" / "reference.mp4"), TRUTH["clip"]["sha256"], 10.0, 720, 1280, 30.0, has_audio=True
)
#: The clock of the run, at which the executor starts.
STARTED_S = 1000.0
GB = 10**9


@functools.cache
def composed(*overrides: str) -> Any:
    """The configuration of `python run.py` with these overrides, as objects."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    config.register()
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        return OmegaConf.to_object(compose("config", overrides=list(overrides)))


@functools.cache
def segments() -> dict[str, list[Segment]]:
    """Analyzer → the segments that the truth of the reference clip would have it find, at its defaults."""
    makers = (of_objects, of_people, of_footage, of_sound, of_readers)
    return {name: list(each) for maker in makers for name, each in maker().items()}


def samples(analyzer: str) -> Iterator[tuple[float, float]]:
    """Start and end of every sample that an analyzer of frames looks at."""
    step = 1 / registry.discover()[analyzer].settings_type().fps
    for time_s in np.arange(0.0, CLIP.duration_s - 1e-6, step):
        yield float(time_s), float(time_s) + step


def of_objects() -> dict[str, Iterator[Segment]]:
    def mask(polygons: list) -> dict[str, Any]:
        image = np.zeros((64, 36), np.uint8)
        for polygon in polygons:
            cv2.fillPoly(image, [np.round(np.array(polygon) * [36, 64]).astype(np.int32)], 1)
        runs = [(value, len(list(same))) for value, same in itertools.groupby(image.ravel())]
        return {"size": [64, 36], "counts": [*([0] if runs[0][0] else []), *(n for _, n in runs)]}

    return {
        "object_detection": (
            Segment(a, b, thing["label"], 0.9, {"box": thing["box"]})
            for a, b in samples("object_detection")
            for thing in truth_at(TRUTH["objects"], a)
        ),
        "background_segmentation": (
            Segment(a, b, "person", 0.9, {"mask": mask(shown["polygons"])})
            for a, b in samples("background_segmentation")
            if (shown := sample_at(TRUTH["masks"], a)) and shown["polygons"]
        ),
    }


def of_people() -> dict[str, Iterator[Segment]]:
    return {
        "body_pose": (
            Segment(
                a, b, "standing", 0.9, {"keypoints": {n: [*p, 1.0] for n, p in pose["keypoints"].items()}}
            )
            for a, b in samples("body_pose")
            for pose in truth_at(TRUTH["poses"], a)
        ),
        "age_estimation": (
            Segment(a, b, face["gender"], 0.9, {"age": face["age"], "box": face["box"]})
            for a, b in samples("age_estimation")
            for face in truth_at(TRUTH["faces"], a)
        ),
        "eye_tracking": (
            Segment(
                a,
                b,
                face["gaze"],
                0.9,
                {"box": face["box"], "iris": {"left": face["iris_left"], "right": face["iris_right"]}},
            )
            for a, b in samples("eye_tracking")
            for face in truth_at(TRUTH["faces"], a)
        ),
    }


def of_footage() -> dict[str, Iterator[Segment]]:
    def spoilt(second: int) -> float:
        return sum(overlap(second, second + 1, d["start_s"], d["end_s"]) for d in TRUTH["degradations"])

    cuts = [Segment(c["time_s"], c["time_s"], "hard_cut", 0.9) for c in TRUTH["cuts"]]
    cuts += [Segment(f["start_s"], f["end_s"], "fade", 0.9) for f in TRUTH["fades"]]
    scenes = [list(shots) for _, shots in itertools.groupby(TRUTH["shots"], key=lambda s: s["scene"])]
    return {
        "cut_analysis": iter(cuts),
        "camera_analysis": (Segment(c["start_s"], c["end_s"], c["motion"]) for c in TRUTH["camera"]),
        "visual_effects": (Segment(e["start_s"], e["end_s"], e["effect"], 0.9) for e in TRUTH["effects"]),
        "scene_segmentation": (Segment(s[0]["start_s"], s[-1]["end_s"], "scene") for s in scenes),
        "color_analysis": (
            Segment(c["time_s"], c["time_s"] + 1, "gray", None, {"palette": c["palette"]})
            for c in TRUTH["colors"]
        ),
        "content_quality": (
            Segment(t, t + 1, "video", None, {"score": 0.9 - 0.5 * spoilt(t)}) for t in range(10)
        ),
    }


def of_sound() -> dict[str, Iterator[Segment]]:
    def spoken(region: dict) -> list[dict]:
        return [w for w in TRUTH["words"] if region["start_s"] <= w["start_s"] < region["end_s"]]

    music = TRUTH["music"]
    summary = {"lufs": TRUTH["lufs"], "tempo_bpm": music["tempo_bpm"], "key": music["key"]}
    return {
        "speech_transcription": iter(
            [Segment(0.3, 9.8, TRUTH["transcript"], 0.9, {"words": TRUTH["words"]})]
        ),
        "speech_flow": (
            Segment(r["start_s"], r["end_s"], "speech", 0.9, {"words": len(spoken(r))})
            for r in TRUTH["speech"]
        ),
        "speech_emotion": iter([Segment(0.0, 10.0, "calm", None, {"pitch": TRUTH["pitch"]})]),
        "audio_analysis": iter([Segment(0.0, 10.0, "summary", None, summary)]),
        "audio_environment": (
            Segment(sound["start_s"], sound["end_s"], tag, 0.9, {"tags": [{"tag": tag, "score": 0.9}]})
            for sound in TRUTH["sounds"]
            for tag in sound["accepted"][:1]
        ),
    }


def of_readers() -> dict[str, Iterator[Segment]]:
    def shot_of(second: int) -> dict:
        return max(TRUTH["shots"], key=lambda s: overlap(second, second + 1, s["start_s"], s["end_s"]))

    pace = {"cuts_per_minute": 6.0 * len([*TRUTH["cuts"], *TRUTH["fades"]])}
    changes = [Segment(t["time_s"], t["time_s"], "topic_change", 0.9) for t in TRUTH["topics"]]
    return {
        "text_overlay": (Segment(t["start_s"], t["end_s"], t["text"], 0.9) for t in TRUTH["texts"]),
        "qwen2_vl_temporal": (
            Segment(t, t + 1, f"There is {', '.join(words[0] for words in shot_of(t)['subjects'])}.")
            for t in range(10)
        ),
        "temporal_flow": iter([Segment(0.0, 10.0, "phase", None, pace), *changes]),
        "cross_analyzer_intelligence": (
            Segment(s["start_s"], s["end_s"], s["relation"], 0.9, {"statement": f"It is {s['about']}."})
            for s in TRUTH["statements"]
        ),
    }


def on_gpu(plan: Plan) -> Plan:
    """The same plan with every group and worker on the first GPU."""
    return replace(
        plan,
        groups=tuple(replace(group, device="gpu:0") for group in plan.groups),
        layout=tuple(replace(worker, device="gpu:0") for worker in plan.layout),
    )


def record(
    plan: Plan,
    found: Mapping[str, list[Segment]],
    pass_s: float = 5.0,
    repeats: int = 3,
    lost: Collection[str] = (),
    utilization: float = 90.0,
    left_bytes: float = 0.1 * GB,
) -> Record:
    """A warm-up and `repeats` passes of `pass_s` seconds in which `found` is found, but by those in `lost`.

    The GPU is busy for `utilization` percent of every pass, and `left_bytes` more of its memory are in use
    afterwards than before.
    """
    made = Record(plan, STARTED_S, NotMeasured(), workers={"main": 1})
    for number in range(1 + repeats):
        start_s = STARTED_S + number * (pass_s + 0.1)
        one = Pass(CLIP, number == 0, start_s, start_s + pass_s)
        made.passes.append(one)
        made.spans.append(Span("main", "", "decode", start_s, start_s + 0.1 * pass_s, number))
        each_s = 0.9 * pass_s / len(plan.tasks())
        for place, task in enumerate(plan.tasks()):
            name, begun_s = task.analyzer, start_s + 0.1 * pass_s + place * each_s
            made.spans.append(Span("main", name, "analyze", begun_s, begun_s + each_s, number))
            group = plan.group_of(name)
            outcome = Outcome(name, "ok", group.name, group.device, list(found[name]), analyze_s=each_s)
            if name in lost:
                outcome = Outcome(
                    name, "failed", group.name, group.device, analyze_s=each_s, reason="ValueError: planted"
                )
            one.outcomes[name] = outcome
    cleaned_s = made.ended_s() + 0.2
    made.cleanup = Cleanup(
        mode="exit",
        workers={"main": "exited"},
        cleaned_s=cleaned_s,
        observed_until_s=cleaned_s + 0.6,
        ready_again_s=1.0,
    )
    made.telemetry = telemetry(cleaned_s, utilization, left_bytes)
    return made


def result(prepared: session.Session, made: Record) -> Result:
    """What `python run.py` would make of a run that left this record."""
    return session.derive(prepared, made, "2026-01-31T12:00:00+00:00", False, OtherWork())


def telemetry(cleaned_s: float, utilization: float, left_bytes: float) -> Telemetry:
    """What the sampler would leave."""
    times = [float(t) for t in np.arange(STARTED_S - 1, cleaned_s + 0.6, 0.2)]
    memory = [2 * GB if t < STARTED_S else 30 * GB if t < cleaned_s else 2 * GB + left_bytes for t in times]
    slow = times[::5]
    device = GpuTelemetry(
        ordinal=0,
        index=0,
        uuid="GPU-11111111-aaaa",
        name="NVIDIA H100 80GB HBM3",
        memory_total_bytes=80 * GB,
        compute_capability="9.0",
        mig=False,
        figures={
            "utilization_percent": GpuSeries(slow, [None] + [utilization] * (len(slow) - 1)),
            "memory_used_bytes": GpuSeries(times, memory),
        },
        reasons={"energy_j": "NVML: Not Supported", "sm_activity_percent": "this GPU has no GPM"},
    )
    return Telemetry(
        times_s=times,
        cpu_percent=[100.0] * len(times),
        rss_bytes=[GB] * len(times),
        pss_bytes=[None] * len(times),
        processes={"1": ProcessSeries("python", 0, [100.0] * len(times), [GB] * len(times))},
        gpu=GpusTelemetry(devices=[device], driver="570.00", mps=False),
        sampler=SamplerCost(interval_s=0.2, cpu_percent=0.5, start_cpu_s=0.05, gpu_cpu_s=0.01),
    )
