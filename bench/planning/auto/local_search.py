"""The search for a draft: descents from several starts and from where kicks lead, until nothing is found.

An iterated local search (H. R. Lourenço, O. C. Martin, T. Stützle, "Iterated Local Search", 2003). It is
bounded by work that is counted and not by a clock, so that the same seed gives the same draft everywhere.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from clipbench.bench.planning.auto.drafts import Draft, plainness
from clipbench.bench.planning.auto.moves import Neighbourhood

#: A draft that is better by less than this fraction is no better: predictions are not that exact.
WORTH = 1e-4
#: What a plainer draft may lose of the value, as a fraction, to be preferred: less than predictions are off.
PLAINER = 0.01
#: So many kicks that lead nowhere end the search. A kick is so many moves at random.
PATIENCE, KICK = 4, 3
#: So many starts are improved by their outlook before anything is simulated, with that share of the effort.
IMPROVED, FORESIGHT = 4, 0.25
#: Looking at a draft takes about as long as so many simulated steps.
LOOK = 4
#: The share of the effort for finding the best draft; the rest is for making it plainer.
FINDING = 0.8


class Outlook(NamedTuple):
    """What is known of a draft before it is simulated, to be compared as a whole.

    `bound` is a value that it cannot be better than. `spread` tells drafts of one bound apart: less of it is
    more promising.
    """

    bound: float
    spread: float


@dataclass(frozen=True)
class Score:
    """What a simulation says of a draft: a value to be made small, and how many steps it took."""

    value: float
    steps: int


class Scorer(Protocol):
    """Says how good drafts are."""

    def key(self, draft: Draft) -> Hashable | None:
        """What decides the score: drafts with equal keys become equal workers. None: no memory for them."""

    def outlook(self, draft: Draft) -> Outlook: ...

    def score(self, draft: Draft) -> Score: ...


@dataclass
class Tried:
    """What was tried: how many drafts were looked at, and what became of them.

    `no_room` did not fit into memory, `ruled_out` could not have been better by their bound, `known` become
    the same workers as one before, `simulated` were, in `steps` steps. `improved` counts by the kind of the
    move. `exhausted` says that the search was ended by its effort, and not because it found nothing more.
    """

    starts: int = 0
    looked_at: int = 0
    no_room: int = 0
    ruled_out: int = 0
    known: int = 0
    simulated: int = 0
    steps: int = 0
    kicks: int = 0
    improved: Counter[str] = field(default_factory=Counter)
    exhausted: bool = False


@dataclass(frozen=True)
class Found:
    """The best draft and its value, what was tried, and the best bound of drafts that did not fit."""

    draft: Draft
    value: float
    tried: Tried
    without_room: float | None


class Search:
    """One search. Create it, and call `run` once."""

    def __init__(
        self, about: Neighbourhood, scorer: Scorer, seed: int, effort: int, floor: float = 0.0
    ) -> None:
        """`floor` is a value that no draft is better than: one that reaches it is the best."""
        self.about, self.scorer, self.floor = about, scorer, floor
        self.effort = FINDING * effort
        self.random = random.Random(seed)
        self.tried = Tried()
        self.values: dict[Hashable, float] = {}
        self.outlooks: dict[Draft, Outlook | None] = {}
        self.without_room: float | None = None

    def run(self, starts: Iterable[Draft]) -> Found | None:
        """The best draft that was found from these starts; None where there is memory for none."""
        best = self.best_start(starts)
        if best is None:
            return None
        best = self.descend(*best)
        fruitless = 0
        while fruitless < PATIENCE and not self.spent and better(self.floor, best[1]):
            self.tried.kicks += 1
            other = self.kicked(best[0])
            value = self.value(other)
            if value is not None and better((found := self.descend(other, value))[1], best[1]):
                best, fruitless = found, 0
            else:
                fruitless += 1
        self.tried.exhausted, self.effort = self.spent, self.effort / FINDING
        draft, value = self.tidied(*best)
        return Found(draft, value, self.tried, self.without_room)

    @property
    def spent(self) -> bool:
        """Whether the effort is spent."""
        return self.effort_spent >= self.effort

    @property
    def effort_spent(self) -> int:
        """The effort so far, in simulated steps."""
        return self.tried.steps + LOOK * self.tried.looked_at

    def best_start(self, starts: Iterable[Draft]) -> tuple[Draft, float] | None:
        """The best of the starts and of what their outlook leads to, the most promising first."""
        given = list(dict.fromkeys(starts))
        self.tried.starts = len(given)
        roomy = sorted((outlook, draft) for draft in given if (outlook := self.outlook(draft)))
        led = [self.foreseen(draft, outlook) for outlook, draft in roomy[:IMPROVED]]
        best: tuple[Draft, float] | None = None
        for outlook, draft in sorted(dict.fromkeys([*led, *roomy])):
            if best and not better(outlook.bound, best[1]):
                self.tried.ruled_out += 1
                continue
            value = self.value(draft)
            if value is not None and (best is None or better(value, best[1])):
                best = draft, value
            if self.spent:
                break
        return best

    def foreseen(self, draft: Draft, outlook: Outlook) -> tuple[Outlook, Draft]:
        """Where moves lead that make the outlook better, without a simulation."""
        while self.effort_spent < FORESIGHT * self.effort:
            for _, other in self.about.of(draft):
                found = self.outlook(other)
                if found and (better(found.bound, outlook.bound) or is_evener(found, outlook)):
                    draft, outlook = other, found
                    break
            else:
                break
        return outlook, draft

    def descend(self, draft: Draft, value: float) -> tuple[Draft, float]:
        """From a draft to one that no move makes better; the most promising moves are tried first."""
        while not self.spent and better(self.floor, value):
            ranked = sorted(
                (outlook, self.random.random(), kind, other)
                for kind, other in self.about.of(draft)
                if (outlook := self.outlook(other))
            )
            for number, (outlook, _, kind, other) in enumerate(ranked):
                if not better(outlook.bound, value):
                    self.tried.ruled_out += len(ranked) - number
                    return draft, value
                found = self.value(other)
                if found is not None and better(found, value):
                    self.tried.improved[kind] += 1
                    draft, value = other, found
                    break
                if self.spent:
                    return draft, value
            else:
                return draft, value
        return draft, value

    def tidied(self, draft: Draft, value: float) -> tuple[Draft, float]:
        """The plainest draft that moves lead to and that loses next to nothing of the value."""
        worst = value * (1 + PLAINER)
        while not self.spent:
            plainer = sorted(
                (plainness(other), outlook, other)
                for _, other in self.about.of(draft)
                if plainness(other) < plainness(draft)
                if (outlook := self.outlook(other)) and outlook.bound <= worst
            )
            for _, _, other in plainer:
                found = self.value(other)
                if found is not None and found <= worst:
                    draft, value = other, found
                    break
            else:
                break
        return draft, value

    def kicked(self, draft: Draft) -> Draft:
        """A draft that some moves at random lead to, each to where there is memory."""
        for _ in range(KICK):
            draft = next((other for _, other in self.shuffled(draft) if self.outlook(other)), draft)
        return draft

    def shuffled(self, draft: Draft) -> Iterator[tuple[str, Draft]]:
        """The neighbours of a draft at random."""
        neighbours = list(self.about.of(draft))
        self.random.shuffle(neighbours)
        yield from neighbours

    def outlook(self, draft: Draft) -> Outlook | None:
        """The outlook of a draft; None where there is no memory for it."""
        if draft in self.outlooks:
            return self.outlooks[draft]
        self.tried.looked_at += 1
        outlook: Outlook | None = self.scorer.outlook(draft)
        if self.scorer.key(draft) is None:
            self.tried.no_room += 1
            assert outlook is not None
            self.without_room = min(outlook.bound, self.without_room or outlook.bound)
            outlook = None
        self.outlooks[draft] = outlook
        return outlook

    def value(self, draft: Draft) -> float | None:
        """The value of a draft; None where there is no memory for it."""
        key = self.scorer.key(draft)
        if key is None:
            return None
        if key in self.values:
            self.tried.known += 1
            return self.values[key]
        score = self.scorer.score(draft)
        self.tried.simulated += 1
        self.tried.steps += score.steps
        self.values[key] = score.value
        return score.value


def better(value: float, than: float) -> bool:
    """Whether a value is less by more than predictions are exact to."""
    return value < than - WORTH * abs(than)


def is_evener(one: Outlook, other: Outlook) -> bool:
    """Whether an outlook is no worse in its bound, and better by what tells equal bounds apart."""
    return not better(other.bound, one.bound) and better(one.spread, other.spread)
