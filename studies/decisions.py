"""How often the calls of bench/comparing/statistics.py are wrong, on noise that was measured.

Without --real it simulates: measured deviations are resampled in blocks, so that passes close in time stay
alike, and dealt out in turns to two sides, of which one is slowed down or not. With --real it measures a
configuration, itself again and itself slowed by a tenth, in turns. docs/statistics.md has what came out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from clipbench.bench.comparing.statistics import Difference, compare_samples, noise_floor
from clipbench.bench.errors import InputError
from clipbench.bench.runs.storage import write_json

if TYPE_CHECKING:
    import numpy as np

NOISE = Path(__file__).with_name("noise.json")
SLOWDOWNS = (0.0, 0.02, 0.05, 0.1, 0.2)
REPEATS = (5, 9, 15, 20)
#: Passes that stay together when noise is resampled.
BLOCK = 8
#: In a real comparison: repeats a side.
REAL_REPEATS = 9

Series = list[list[float]]


def read(path: Path) -> dict[str, Any]:
    """The JSON in `path`, or in the result.json of that folder; raises InputError where there is none."""
    path = path / "result.json" if path.is_dir() else path
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{error}; it takes a run, or what --json or --keep wrote") from error
    return raw if isinstance(raw, dict) else {}


def deviations(raw: dict[str, Any]) -> Series:
    """Passes in order of time, each relative to the median of its series.

    Takes a result.json, or what --json or --keep wrote; raises InputError for others, and for a short one.
    """
    if "deviations" in raw:
        return raw["deviations"]
    if "pairs" in raw:
        series = [[x for both in zip(p["A"], p["again"], strict=True) for x in both] for p in raw["pairs"]]
    else:
        metrics = {metric["name"]: metric["samples"] for metric in raw.get("metrics", [])}
        series = [metrics.get("rtf_warm", [])]
    if min(map(len, series), default=0) < 2 * BLOCK:
        raise InputError(f"noise takes {2 * BLOCK} measured passes or more in a row: scenario.repeats=40")
    return [[round(x / median(passes) - 1, 6) for x in passes] for passes in series]


def kept(raw: dict[str, Any], series: Series) -> dict[str, Any]:
    """What --keep writes: the deviations, and where they are from."""
    run, environment = raw.get("run", {}), raw.get("environment", {})
    return {
        "what": "passes in order of time, each as its deviation from the median of its series, as a fraction",
        "command": " ".join(w for w in run.get("command", "").split() if "hydra.run.dir=" not in w),
        "started_at": run.get("started_at"),
        "other_cores": run.get("other_cores"),
        "environment": {
            key: environment.get(key) for key in ("machine", "cpu", "cores_allowed", "os", "python")
        },
        "deviations": series,
    }


def floor_of(series: Series) -> float:
    """The noise floor that calibration would find: every second pass against the ones between."""
    even = [1 + x for passes in series for x in passes[0 : len(passes) // 2 * 2 : 2]]
    odd = [1 + x for passes in series for x in passes[1::2]]
    return noise_floor(even, odd)


def drawn(series: Series, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` passes in a row, float64 [n]: blocks from anywhere in the series, each of which is taken as a ring
    (circular block bootstrap, Politis and Romano 1992).

    A pass that is drawn twice differs by a millionth: no two that are measured are exactly equal either, and
    ties would take the rank test ten times as long.
    """
    import numpy as np

    rings = [np.asarray(passes) for passes in series]
    ends = np.cumsum([len(ring) for ring in rings])
    blocks = []
    for place in rng.integers(ends[-1], size=math.ceil(n / BLOCK)):
        ring = rings[np.searchsorted(ends, place, side="right")]
        blocks.append(ring[(place + np.arange(BLOCK)) % len(ring)])
    return (1 + np.concatenate(blocks)[:n]) * (1 + 1e-6 * rng.standard_normal(n))


def simulated(
    series: Series,
    slowdown: float,
    repeats: int,
    noise: float,
    trials: int,
    paired: bool = True,
    seed: int = 0,
) -> Counter[str]:
    """How often each call is made of a side that takes `slowdown` longer than one it takes turns with."""
    import numpy as np

    rng = np.random.default_rng([seed, repeats, round(1000 * slowdown)])
    calls: Counter[str] = Counter()
    for _ in range(trials):
        passes = drawn(series, 2 * repeats, rng)
        slowed = passes[1::2] * (1 + slowdown)
        calls[compare_samples(passes[::2], slowed, noise, paired).call] += 1
    return calls


def rates(
    series: Series, noise: float, trials: int, tick: Callable[[], None]
) -> dict[tuple[float, int], Counter[str]]:
    """The calls for every slowdown and number of repeats; `tick` is told of each that is done."""
    found = {}
    for slowdown in SLOWDOWNS:
        for repeats in REPEATS:
            found[slowdown, repeats] = simulated(series, slowdown, repeats, noise, trials)
            tick()
    return found


def share(hits: int, of: int) -> str:
    """`hits` of `of` in percent with Wilson's 95 % interval of a binomial share."""
    from scipy.stats import binomtest

    ends = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{100 * hits / of:.1f} % ({100 * ends.low:.1f} … {100 * ends.high:.1f})"


def show(found: dict[tuple[float, int], Counter[str]], series: Series, noise: float, console: Any) -> None:
    """Print the false alarms (no slowdown, any call but same and undecided) and the slowdowns found."""
    from rich.table import Table

    everything = [abs(x) for passes in series for x in passes]
    console.print(
        f"{len(everything)} passes, median deviation {100 * median(everything):.1f} %, largest "
        f"{100 * max(everything):.1f} %; noise floor {100 * noise:.1f} %; "
        f"{next(iter(found.values())).total()} comparisons each, with the 95 % interval of their share"
    )
    table = Table("slowdown", "called", *(f"{n} repeats" for n in REPEATS), box=None)
    for slowdown in SLOWDOWNS:
        calls = ("slower",) if slowdown else ("slower", "faster")
        cells = [found[slowdown, n] for n in REPEATS]
        shares = [share(sum(c[call] for call in calls), c.total()) for c in cells]
        table.add_row(f"{100 * slowdown:g} %", " or ".join(calls), *shares)
    console.print(table)


def judged(pairs: Sequence[dict[str, list[float]]]) -> list[tuple[float, Difference, Difference]]:
    """For each pair the noise floor, the call on A again and the call on A slowed, both against A.

    The floor is that of all other pairs: a pair that sets its own could not but be called the same.
    """
    found = []
    for n, pair in enumerate(pairs):
        rest = [*pairs[:n], *pairs[n + 1 :]]
        first, second = ([x for p in rest for x in p[side]] for side in ("A", "again"))
        noise = noise_floor(first, second)
        found.append(
            (
                noise,
                compare_samples(pair["A"], pair["again"], noise),
                compare_samples(pair["A"], pair["slow"], noise),
            )
        )
    return found


def show_real(found: dict[str, Any], console: Any) -> None:
    """Print the calls on what `measure` returned."""
    from rich.table import Table

    pairs = found["pairs"]
    table = Table("", "other cores", "noise floor", "A / A", "", "slowed / A", "", box=None)
    calls = judged(pairs)
    for n, (pair, (noise, same, slow)) in enumerate(zip(pairs, calls, strict=True), 1):
        ratios = [(f"{d.ratio:.3f} ({d.low:.3f} … {d.high:.3f})", d.call) for d in (same, slow)]
        table.add_row(f"{n}", f"{pair['other_cores']:.2f}", f"{100 * noise:.1f} %", *ratios[0], *ratios[1])
    console.print(table)
    alarms = sum(same.call in ("slower", "faster") for _, same, _ in calls)
    slower = sum(slow.call == "slower" for _, _, slow in calls)
    console.print(
        f"false alarms: {alarms} of {len(calls)}; "
        f"{100 * found['planted']:g} % slower, and called so: {slower} of {len(calls)}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m studies.decisions", description=__doc__)
    parser.add_argument("noise", nargs="?", type=Path, default=NOISE, help="a run, or a file of this command")
    parser.add_argument("--trials", type=int, default=1000, help="simulated comparisons for each figure")
    parser.add_argument("--floor", type=float, help="noise floor as a fraction; default: that of the noise")
    parser.add_argument("--real", type=int, metavar="N", help="measure N pairs instead, nine repeats each")
    parser.add_argument("--repeats", type=int, default=REAL_REPEATS, help="with --real: other than nine")
    parser.add_argument("--only", default="", metavar="A,B", help="with --real: a subset of the analyzers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="with --real: keep all samples there")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the deviations of a run there")
    options = parser.parse_args(arguments)
    if options.real is not None and (options.real < 2 or options.repeats < 5):
        parser.error(
            "--real takes 2 or more, since a pair's noise floor is that of the others, and 5 repeats"
        )
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console()
    if not console.is_terminal:
        console.width = 140
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Drawn between the passes only, so that drawing takes no time from them.
    bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
    if options.real:
        # As run.py has it; read when the libraries are loaded.
        os.environ |= {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}
        from studies.ratios import CLIP
        from studies.slowed_pairs import measure

        def keep(found: dict[str, Any]) -> None:
            if options.json:
                write_json(options.json, found)

        with bar:
            task = bar.add_task("starting", total=3 + 3 * options.real * options.repeats, completed=-1)

            def tick(what: str) -> None:
                bar.update(task, description=what, advance=1, refresh=True)

            found = measure(options.real, options.repeats, options.only, CLIP, tick, keep)
        show_real(found, console)
        return
    try:
        raw = read(options.noise)
        series = deviations(raw)
    except InputError as error:
        parser.error(f"{options.noise}: {error}")
    if options.keep:
        write_json(options.keep, kept(raw, series))
    if "pairs" in raw:
        show_real(raw, console)
    noise = floor_of(series) if options.floor is None else options.floor
    with bar:
        task = bar.add_task("comparing", total=len(SLOWDOWNS) * len(REPEATS))
        found = rates(series, noise, options.trials, lambda: bar.update(task, advance=1, refresh=True))
    show(found, series, noise, console)


if __name__ == "__main__":
    main()
