"""What clipbench finds on this machine, what is missing, and how to mend it: `clipbench --doctor`."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import clipbench
from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.clips import memory_limits
from clipbench.bench.errors import InputError
from clipbench.bench.planning import cost_store
from clipbench.bench.planning.config import CostsConfig
from clipbench.bench.probes import environment
from clipbench.bench.probes.other_load import BUSY, OtherWork, is_busy
from clipbench.bench.runs.measurement import NotMeasured

#: `missing`: nothing runs without it. `absent`: something that may be left out. `doubtful`: figures suffer.
State = Literal["found", "absent", "doubtful", "missing"]
#: Extras whose parts a user can see the lack of.
EXTRAS = ("embedded", "full", "ray", "profile", "exact", "tables", "mlflow", "opentelemetry")
#: For how many seconds other work is watched.
WATCHED_S = 1.0
#: Bytes that decoded chunks of an ordinary clip, and a run's files, need room for.
SHARED_BYTES, DISK_BYTES = 256_000_000, 200_000_000
#: Clocks that a process reads without asking the kernel.
FAST_CLOCKS = ("tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter")
CLOCK = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")


@dataclass(frozen=True)
class Check:
    """One thing that was looked for: what was found, and how to mend what is amiss ("" for nothing)."""

    what: str
    state: State
    found: str
    fix: str = ""


def examine(folder: Path) -> Iterator[Check]:
    """Look at everything, one check after another; results would go to `folder`."""
    yield python()
    yield code()
    yield from packages()
    yield from gpus()
    yield memory()
    yield shared_memory()
    yield disk(folder)
    yield cores()
    yield clock()
    yield costs()


def python() -> Check:
    """The interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if environment.version("clipbench") is None:
        return Check("Python", "found", version)
    wanted = metadata.metadata("clipbench")["Requires-Python"]
    if SpecifierSet(wanted).contains(version):
        return Check("Python", "found", version)
    return Check("Python", "missing", version, f"use a Python {wanted}")


def code() -> Check:
    """clipbench itself."""
    commit, dirty = environment.state_of_the_code()
    built = f", commit {commit[:12]}" if commit else ""
    return Check("clipbench", "found", f"{clipbench.__version__}{built}{' with changes' if dirty else ''}")


def packages() -> Iterator[Check]:
    """The packages that every run requires, and those of each extra."""
    if environment.version("clipbench") is None:
        unknown = "not known: clipbench is not installed here, which is what says what it requires"
        yield Check("packages", "doubtful", unknown, "pip install -e . in the checkout")
        return
    lacking = unmet("")
    state: State = "missing" if lacking else "found"
    yield Check("packages", state, described(lacking), install(lacking))
    for extra in EXTRAS:
        lacking = unmet(extra)
        state = "absent" if lacking else "found"
        yield Check(f"extra {extra}", state, described(lacking), install(lacking))


def unmet(extra: str) -> list[Requirement]:
    """What an extra requires (without a name: what all runs do) and is not installed as it should be."""
    return [each for each in requirements(extra) if not installed(each)]


def requirements(extra: str) -> list[Requirement]:
    """The requirements of an extra; one extra that includes another has those too."""
    found: list[Requirement] = []
    for line in metadata.requires("clipbench") or ():
        each = Requirement(line)
        here = each.marker is None or each.marker.evaluate({"extra": extra})
        if not here or (extra and (each.marker is None or each.marker.evaluate({"extra": ""}))):
            continue
        if each.name == "clipbench":
            found += [inner for name in sorted(each.extras) for inner in requirements(name)]
        else:
            found.append(each)
    return found


def installed(wanted: Requirement) -> bool:
    """Whether a package is there in a version that is wanted."""
    version = environment.version(wanted.name)
    return version is not None and wanted.specifier.contains(version, prereleases=True)


def described(lacking: Sequence[Requirement]) -> str:
    """What is lacking, for people, with the versions that are there instead."""
    there = [(each.name, environment.version(each.name)) for each in lacking]
    words = [
        f"{name} {version} is too old or too new" if version else f"no {name}" for name, version in there
    ]
    return ", ".join(words) or "all there"


def install(lacking: Sequence[Requirement]) -> str:
    """The command that installs what is lacking."""
    words = [shlex.quote(f"{each.name}{each.specifier}") for each in lacking]
    return f"pip install {' '.join(words)}" if words else ""


def gpus() -> Iterator[Check]:
    """The GPUs that NVML names, and whether PyTorch was built for them."""
    found = environment.gpus()
    if isinstance(found, NotMeasured):
        yield Check("GPU", "absent", found.reason, "not needed: everything then runs on the CPU")
        return
    yield Check("GPU", "found", ", ".join(f"{each.name} ({each.memory_gb:g} GB)" for each in found))
    torch = environment.version("torch") or ""
    if torch.endswith("+cpu"):
        fix = "install the CUDA build of torch for this driver"
        yield Check("PyTorch for GPUs", "doubtful", f"torch {torch} cannot use a GPU", fix)
    else:
        yield Check("PyTorch for GPUs", "found", f"torch {torch}")


def memory() -> Check:
    """What is left of the memory, of the machine or of the container."""
    where, left = min(
        ((where, left) for where, left in memory_limits.available().items() if where != "/dev/shm"),
        key=lambda each: each[1],
    )
    text = f"{left / 1e9:.1f} GB left of {where}" if "limit" in where else f"{left / 1e9:.1f} GB free"
    if left < 3e9:
        return Check("memory", "doubtful", text, "end other programs: the embedded twenty need about 3 GB")
    return Check("memory", "found", text)


def shared_memory() -> Check:
    """Where decoded frames go."""
    left = memory_limits.available().get("/dev/shm")
    if left is None:
        return Check(
            "shared memory", "missing", "no /dev/shm", "mount a tmpfs there: frames are shared in it"
        )
    text = f"{left / 1e9:.2g} GB left in /dev/shm"
    if left < SHARED_BYTES:
        fix = "make it larger (docker run --shm-size=1g), or the chunks smaller (clip.chunk_s=1)"
        return Check("shared memory", "doubtful", text, fix)
    return Check("shared memory", "found", text)


def disk(folder: Path) -> Check:
    """Where results go."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    left = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        return Check(
            "results", "missing", f"{there} cannot be written to", "hydra.run.dir=FOLDER names another"
        )
    text = f"{left / 1e9:.1f} GB left for {folder}"
    if left < DISK_BYTES:
        return Check(
            "results", "doubtful", text, "make room, or name another folder with hydra.run.dir=FOLDER"
        )
    return Check("results", "found", text)


def cores() -> Check:
    """The cores, and what others take of them meanwhile."""
    allowed, work = cores_allowed(), OtherWork()
    time.sleep(WATCHED_S)
    others = work.cores()
    if others is None:
        return Check("cores", "doubtful", f"{allowed}; how busy others keep them is unknown", work.reason)
    text = f"{allowed}, of which other work takes {others:.2f}"
    if is_busy(others, allowed):
        fix = f"measure when others take less than {BUSY * allowed:g}: times mean little beside other work"
        return Check("cores", "doubtful", text, fix)
    return Check("cores", "found", text)


def clock() -> Check:
    """The clock that spans are timed with."""
    resolution_s = time.get_clock_info("monotonic").resolution
    try:
        source = CLOCK.read_text().strip()
    except OSError:
        source = ""
    text = f"{source or 'monotonic'}, in steps of {resolution_s * 1e9:g} ns"
    if source and source not in FAST_CLOCKS:
        fix = f"each reading asks the kernel; boot with clocksource={FAST_CLOCKS[0]} where that is stable"
        return Check("clock", "doubtful", text, fix)
    return Check("clock", "found", text)


def costs() -> Check:
    """Whether costs of this machine have been measured, which predictions are made from."""
    here, settings = environment.describe(), CostsConfig()
    path = cost_store.path_of(settings, "embedded", here)
    try:
        cost_store.read(path)
    except InputError as error:
        if path.exists():
            return Check("costs", "doubtful", str(error), "python plan.py costs measures them anew")
        fix = "python plan.py costs measures them, for predictions and grouping=auto"
        return Check("costs", "absent", "none of models=embedded on this machine", fix)
    return Check("costs", "found", f"of models=embedded, in {path}")
