"""Drawing faults that matter: at peak at least one customer loses 3 m or more."""

from __future__ import annotations

import numpy as np

from benchmarks.diagnosis.elements import Floats, Places, State
from benchmarks.diagnosis.faults import KINDS, Kind, Target
from benchmarks.diagnosis.project import STEP_S, Project, Unsolvable
from benchmarks.diagnosis.truth import DAY_S, Fault, Truth

CONSEQUENTIAL_M, EXTREME_M = 3.0, 20.0
VISIBLE_M = 0.3
LATEST_ONSET_S = 18 * 3600
_MOST_TARGETS = 500
_HALVINGS = 18


class NoSuchCase(Exception):
    """The network has no fault of the kind that costs a customer enough."""


class Bench:
    """A truth's steady states, with and without a fault, at the boundaries of a state that was run."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.project: Project = truth.open()
        self.project.forget_controls()
        self.customers = np.flatnonzero(truth.ground.demand > 0)

    def close(self) -> None:
        """Close the project."""
        self.project.close()

    def heads(self, like: State, faults: tuple[Fault, ...]) -> Floats:
        """Return (N,) heads [m] at the boundaries of ``like`` under faults."""
        for fault in faults:
            fault.impose(self.project)
        try:
            return self.project.steady(like)
        finally:
            for fault in faults:
                fault.lift(self.project)

    def cost(self, like: State, without: Floats, fault: Fault) -> float:
        """Return what a fault costs the customer it harms most [m]; 0 where EPANET finds no state."""
        try:
            lost = without - self.heads(like, (fault,))
        except Unsolvable:
            return 0.0
        return float(lost[self.supplied(without)].max())

    def supplied(self, head: Floats) -> Places:
        """Return the customers who have any pressure: one who has none without a fault loses nothing by it."""
        return self.customers[head[self.customers] > self.truth.ground.elements.elevation[self.customers]]


def draw_fault(bench: Bench, kind: str, healthy: dict[int, State], rng: np.random.Generator) -> Fault:
    """Draw a consequential fault with a random onset in the window.

    ``healthy``: states at the window's instants.

    Raises
    ------
    NoSuchCase
        Among many drawn targets none costs a customer enough.
    """
    truth, of = bench.truth, KINDS[kind]
    onset = truth.window_start + 60 * int(rng.integers(0, LATEST_ONSET_S // 60))
    like = healthy[_peak(truth, onset)]
    without = bench.heads(like, ())
    targets = of.targets(truth.ground)
    for place in rng.permutation(len(targets))[:_MOST_TARGETS]:
        severity = _severity(bench, of, kind, targets[int(place)], like, without, rng)
        if severity is not None:
            return Fault(kind, targets[int(place)], severity, onset)
    raise NoSuchCase(f"{kind}: no fault of {min(len(targets), _MOST_TARGETS)} costs a customer {CONSEQUENTIAL_M} m")


def _severity(
    bench: Bench, of: Kind, kind: str, target: Target, like: State, without: Floats, rng: np.random.Generator
) -> float | None:
    """Return a severity whose cost at peak is drawn between 3 and 20 m, None where even the most costs less."""
    least, most = of.bounds(bench.truth.ground, target)
    largest = bench.cost(like, without, Fault(kind, target, most, 0))
    if largest < CONSEQUENTIAL_M or not of.admits(bench.truth.ground, target):
        return None
    wanted = float(np.exp(rng.uniform(np.log(CONSEQUENTIAL_M), np.log(min(EXTREME_M, largest)))))
    low, high = np.log(least), np.log(most)
    for _ in range(_HALVINGS if most > least else 0):
        middle = (low + high) / 2
        if bench.cost(like, without, Fault(kind, target, float(np.exp(middle)), 0)) < wanted:
            low = middle
        else:
            high = middle
    return float(np.exp(high))


def _peak(truth: Truth, since: int) -> int:
    """Return the instant of the greatest total demand from ``since`` to the window's end [s]."""
    first = -(-since // STEP_S)
    total = truth.demand[:, first : (truth.window_start + DAY_S) // STEP_S].sum(axis=0)
    return (first + int(np.argmax(total))) * STEP_S
