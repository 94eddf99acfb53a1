"""The diagnosis: what is wrong, how sure that is, and since when.

A window of readings, a network and what is known of its departures go in; causes with posterior probabilities come
out, with "nothing is wrong" and "none of these" among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hydro.assets import Assets
from hydro.complaint import Complaint
from hydro.departures import Departures, Uncertainty, prior_departures, prior_swing
from hydro.engine import Engine
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Fault, Priors
from hydro.ledger import Effort
from hydro.observables import HEAD, PRESSURE
from hydro.resolve import Case, marginal, open_case
from hydro.search import Search, search
from hydro.shortlist import Key
from hydro.threads import on_one_core
from hydro.weighing import Explained, Weighed, watched_pressure
from hydro.window import Window

EXPLAINS = 0.5
"""A hypothesis that costs the customer less than this at worst explains no complaint [m]."""
APART = 4.0
"""Two hypotheses closer than this (squared distance in units of noise) cannot be told apart by the points."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A fault that may be present in the window, with the marginal probability that it is.

    ``fault`` is at its likeliest severity and onset; ``explained`` the best hypothesis solved exactly that contains it
    (None for those which screening alone has judged).
    """

    fault: Fault
    probability: float
    explained: Explained | None

    @property
    def candidate(self) -> Candidate:
        """Return which element the cause names."""
        return self.fault.candidate


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The posterior over causes, the likeliest first, and what led to it."""

    found: Search
    causes: tuple[Cause, ...]
    healthy_probability: float
    unexplained_probability: float
    indistinguishable: tuple[tuple[Candidate, ...], ...]
    complaint: Complaint | None

    @property
    def leading(self) -> Explained:
        """Return the likeliest hypothesis that names a fault."""
        return self.found.explained[0]

    @property
    def answering(self) -> Explained:
        """Return what attribution and cures speak of: beside a complaint the likeliest hypothesis that explains it.

        A fault elsewhere may be surer than any cause of a complaint that no gauge sees, and answers nothing.
        """
        complaint = self.complaint
        if complaint is None:
            return self.leading
        usual, steps = self.found.asked.usual, complaint.steps
        lost = [usual - float(watched_pressure(one.evidence, complaint)[steps].min()) for one in self.found.explained]
        costly = (one for one, metres in zip(self.found.explained, lost, strict=True) if metres >= EXPLAINS)
        return next(costly, self.leading)


@on_one_core
def diagnose(
    case: Case,
    points: Sequence[str],
    priors: Priors,
    complaint: Complaint | None = None,
    effort: Effort | None = None,
) -> Diagnosis:
    """Return the diagnosis of a case.

    ``points`` are the compared points that a fault of an instrument may be blamed on; rows that are only watched are
    left out.
    """
    window = case.window
    law = case.engine.pressure_demand
    scene = Scene(case.engine.network, case.assets, window.points, window.observables, frozenset(points), law)
    found = search(case, scene, priors, complaint, effort or Effort())
    every: list[Explained | Weighed] = [*found.explained, *found.tail]
    weights = [found.healthy_log_weight, found.unexplained_log_weight, *(one.log_weight for one in every)]
    shares = np.exp(np.array(weights) - logsumexp(weights))
    probability: dict[Key, float] = {}
    best: dict[Key, tuple[Fault, Explained | None]] = {}
    for one, share in zip(every, shares[2:], strict=True):
        for fault in one.hypothesis:
            probability[fault.key] = probability.get(fault.key, 0.0) + float(share)
            best.setdefault(fault.key, (fault, one if isinstance(one, Explained) else None))
    causes = [Cause(best[key][0], min(probability[key], 1.0), best[key][1]) for key in probability]
    return Diagnosis(
        found=found,
        causes=tuple(sorted(causes, key=lambda cause: -cause.probability)),
        healthy_probability=float(shares[0]),
        unexplained_probability=float(shares[1]),
        indistinguishable=_groups(found),
        complaint=complaint,
    )


def prepare(
    engine: Engine,
    window: Window,
    assets: Assets,
    spread: Uncertainty,
    departures: Departures | None,
    temper: float = 1.0,
) -> Case:
    """Return the case of a window: with learnt departures, or with what is believed of any network before readings."""
    if departures is None:
        departures = fresh_departures(engine, window, assets, spread)
    return open_case(engine, window, departures, assets, prior_swing(assets, spread), temper)


def fresh_departures(engine: Engine, window: Window, assets: Assets, spread: Uncertainty) -> Departures:
    """Return what is believed of the network's departures before anything was read."""
    gauge = np.isin(window.observables.kind, [PRESSURE, HEAD])
    return prior_departures(engine.network, window.points, np.where(gauge, spread.datum_m, 0.0), assets, spread)


def _groups(found: Search) -> tuple[tuple[Candidate, ...], ...]:
    """Return groups of causes that the points cannot tell apart, beside the same other faults."""
    groups: list[tuple[Candidate, ...]] = []
    seen: set[Key] = set()
    for leader in found.explained[:6]:
        for fault in leader.hypothesis:
            if fault.key in seen:
                continue
            others = {one.key for one in leader.hypothesis} - {fault.key}
            rivals = [(one, _instead(one, others)) for one in found.explained]
            alike = {
                rival.key: rival.candidate
                for one, rival in rivals
                if rival is not None and rival.key not in seen and _distance(found, leader, one) < APART
            }
            if len(alike) > 1:
                groups.append(tuple(alike.values()))
            seen.update([fault.key, *alike])
    return tuple(groups)


def _instead(one: Explained, others: set[Key]) -> Fault | None:
    """Return the one fault that a hypothesis has beside the others, where it is just one."""
    beside = [fault for fault in one.hypothesis if fault.key not in others]
    return beside[0] if len(beside) == 1 and len(one.hypothesis) == len(others) + 1 else None


def _distance(found: Search, one: Explained, other: Explained) -> float:
    """Return the squared distance between two hypotheses' readings, in units of noise, departures integrated out."""
    ours, theirs = one.evidence.snapshots, other.evidence.snapshots
    moved = np.stack([mine.value - yours.value for mine, yours in zip(ours, theirs, strict=True)])
    return -2.0 * marginal(found.healthy, found.healthy.whitened(moved))
