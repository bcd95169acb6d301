"""How far grouping=auto is behind the best of a family of groupings, measured in turns on this machine.

    python -m studies.found_groupings                      the full twenty, and three subsets of them
    python -m studies.found_groupings --only a,b --rounds 5

The family: one group with a worker and with two, and every cut of the analyzers, in the order in which they
wait for each other, into two groups. Costs have to be there (python plan.py costs), and the machine quiet.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from clipbench.bench.comparing.candidates import load
from clipbench.bench.locations import IMPORT_PATH
from clipbench.bench.planning import config
from clipbench.bench.planning.plan import groups_of
from clipbench.executors.layout import in_order

#: Subsets of the twenty: what looks at people, what listens, and what describes scenes.
SUBSETS = (
    ("object_detection", "body_pose", "age_estimation", "eye_tracking", "background_segmentation"),
    ("speech_transcription", "speech_flow", "speech_emotion", "audio_analysis", "audio_environment"),
    ("cut_analysis", "camera_analysis", "scene_segmentation", "color_analysis", "qwen2_vl_temporal"),
)
METRIC = "rtf_warm"
#: What is measured beside the family.
BESIDE = ("auto", "two_core")

Groups = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Finding:
    """The best of the family, and how many times as long the grouping that was found takes."""

    best: str
    found: float
    behind: float


def family(analyzers: Sequence[str]) -> dict[str, Groups]:
    """Name → groups, for every grouping of the family."""
    everything = list(analyzers)
    made: dict[str, Groups] = {
        "one": {"all": {"analyzers": everything}},
        "twice": {"all": {"analyzers": everything, "replicas": 2}},
    }
    for cut in range(1, len(everything)):
        made[f"cut{cut:02}"] = {"a": {"analyzers": everything[:cut]}, "b": {"analyzers": everything[cut:]}}
    return made


def finding(medians: Mapping[str, float]) -> Finding:
    """What the medians of all groupings by name say."""
    rest = {name: value for name, value in medians.items() if name not in BESIDE}
    best = min(rest, key=rest.__getitem__)
    return Finding(best, medians["auto"], medians["auto"] / rest[best])


def measured(only: Sequence[str], rounds: int, folder: Path) -> dict[str, float]:
    """Grouping → median of the metric, all of them measured in turns."""
    words = [f"only=[{','.join(only)}]"] if only else []
    tasks = in_order(groups_of(config.compose(*words)))
    made = family([task.analyzer for task in tasks])
    conf = folder / "conf" / "grouping"
    conf.mkdir(parents=True)
    for name, groups in made.items():
        content = {"name": f"family_{name}", "groups": groups}
        (conf / f"family_{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    choices = ",".join([*BESIDE, *(f"family_{name}" for name in made)])
    swept = folder / "sweep"
    command = [
        *(sys.executable, str(IMPORT_PATH / "run.py"), "-m", f"grouping={choices}", "executor=gpu_pinned"),
        *(f"repeats={rounds}", f"hydra.sweeper.rounds={rounds}", f"hydra.sweep.dir={swept}", *words),
    ]
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_PATH)}
    subprocess.run(command, cwd=folder, env=environment, stdout=sys.stderr, check=True)
    values = {each.first.run.grouping: each.metric(METRIC).value for each in load([swept])}
    return {name.removeprefix("family_"): value for name, value in values.items() if value is not None}


def main() -> None:
    """Measure, and print a row for each set of analyzers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="one set of analyzers instead of the four")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each grouping (default 3)")
    asked = parser.parse_args()
    sets = [tuple(asked.only.split(","))] if asked.only else [(), *SUBSETS]
    print(f"| analyzers | best of the family | {METRIC} of auto | auto / best | auto / two_core |")
    print("|---|---|---|---|---|")
    for only in sets:
        with tempfile.TemporaryDirectory() as folder:
            medians = measured(only, asked.rounds, Path(folder))
        found = finding(medians)
        beside = medians["auto"] / medians["two_core"]
        name = f"{len(only)}: {only[0]} …" if only else "all twenty"
        print(
            f"| {name} | {found.best} | {found.found:.3g} | {found.behind:.3f} | {beside:.3f} |", flush=True
        )


if __name__ == "__main__":
    main()
