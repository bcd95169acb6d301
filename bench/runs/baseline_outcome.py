"""What came of saving a run to its baseline, or of comparing it with that: `run.baseline` of result.json.

docs/baselines.md says what each key means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A run that was to be added to its baseline, which has `runs` now; `reason` says why it was not."""

    mode: Literal["save"] = "save"
    path: str
    runs: int
    needed: int
    saved: bool
    reason: str = ""
    other_cores: float | None = None
    busy: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The second run, made because the first was slower."""

    value: float | None
    ratio: float | None
    low: float | None
    high: float | None
    noise: float | None
    call: str
    reason: str = ""
    valid: bool = True
    other_cores: float | None = None
    other_cores_reason: str = ""
    busier: float | None = None


@dataclass(frozen=True)
class SlowerAnalyzer:
    """An analyzer that takes longer than in the baseline: medians in seconds, their ratio, its interval."""

    analyzer: str
    before_s: float
    now_s: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A run that was compared with its baseline; ratios and noise are without a unit."""

    mode: Literal["compare"] = "compare"
    path: str
    metric: str = ""
    runs: int
    samples: int | None = None
    saved: list[str] = field(default_factory=list)
    baseline_value: float | None = None
    value: float | None = None
    noise_from: str = ""
    busy_runs: int | None = None
    since: list[str] = field(default_factory=list)
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    noise: float | None = None
    call: str
    reason: str = ""
    valid: bool = True
    other_cores: float | None = None
    other_cores_reason: str = ""
    busier: float | None = None
    confirmed: bool | None = None
    confirmation: Confirmation | None = None
    moved: list[SlowerAnalyzer] = field(default_factory=list)
