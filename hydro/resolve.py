"""Exact re-solves: what EPANET itself says of a short list of hypotheses."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from hydro.assets import Assets
from hydro.conditions import Conditions
from hydro.departures import Departures, Swing, depart
from hydro.engine import Engine
from hydro.evidence import Evidence, Place, likely_departures, trusting, weigh, zones_now
from hydro.full_tanks import decide
from hydro.hypothesis import Hypothesis
from hydro.network import TANK
from hydro.readings import Floats
from hydro.regimes import middles, regimes_of
from hydro.snapshot import Middle, Snapshot, take_snapshots
from hydro.threads import on_one_core
from hydro.window import Window, conditions_of, day_conditions, switching

VALUES, LEAST_REGIMES, MOST_REGIMES = 700, 4, 16
"""How many observed values are linearised, over how many ways of working."""
UNLEARNT, LEARNT = 0.1, 0.02
"""What the model may be off before and after it has learnt from a window, as a part of a reading [-]."""
AGAIN = 2
"""How often tanks near their limits are decided anew with what was learnt the time before."""
MOST_ROUNDS, UNSETTLED = 8, 10.0
"""How often the working point is looked for at most, and what a round beyond the first few must gain."""
LATE = 6
"""How many of the last steps say how demand stands today."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that stays the same while hypotheses come and go.

    ``window``: the steps looked at; ``plain``: their conditions as the model and the measured boundaries have them;
    ``hourly``: (24, Z) log demand factor of each zone by the hour, which a baseline taught; ``regimes``: (T,) in which
    way the network works, and ``middles``: (K,) the step in the middle of each.
    """

    engine: Engine
    window: Window
    plain: tuple[Conditions, ...]
    hourly: Floats
    regimes: NDArray[np.intp]
    middles: NDArray[np.intp]
    departures: Departures
    assets: Assets
    swing: Swing
    temper: float


@on_one_core
def settle(case: Case, rounds: int = 3) -> Evidence:
    """Return the evidence of the network without a fault, solved where departures and zone factors are likeliest.

    After the first ``rounds`` more are made as long as each gains much; one that loses is not believed.
    """
    place = Place(case.departures.mean, np.zeros((case.window.steps, len(case.assets.zone_names))))
    best = evidence = _weigh(case, case.window, _take(case, place, slopes=rounds == 1), place)
    for number in range(2, MOST_ROUNDS + 1):
        evidence = _weigh(case, trusting(case.window, evidence), evidence.snapshots, place)
        place = _likely(case, evidence)
        evidence = _weigh(case, case.window, _take(case, place, slopes=number >= rounds), place)
        gained = evidence.log_likelihood - best.log_likelihood
        best = evidence if gained > 0.0 else best
        if number >= rounds and gained < UNSETTLED:
            break
    if best.snapshots[0].slope.size == 0:
        best = _weigh(case, case.window, _take(case, best.place), best.place)
    return best


@on_one_core
def at_rest(case: Case) -> Evidence:
    """Return the evidence of the network without a fault, solved where its departures were before the window.

    Zones stand where all points together put them: a fault, which few points see, must not bend the network that it is
    looked for in.
    """
    still = np.zeros((case.window.steps, len(case.assets.zone_names)))
    place = Place(case.departures.mean, still)
    snapshots = _take(case, place, slopes=False)
    evidence = _weigh(case, case.window, snapshots, place)
    evidence = _weigh(case, trusting(case.window, evidence), snapshots, place)
    place = Place(case.departures.mean, zones_now(evidence, case.window, case.assets, case.swing))
    return _weigh(case, case.window, _take(case, place), place)


def conditions_under(case: Case, place: Place, hypothesis: Hypothesis, step: int) -> Conditions:
    """Return one step's conditions with the departures at ``place`` and the hypothesis' faults since their onsets."""
    return faulted(case, departed(case, place, step), hypothesis, step)


def departed(case: Case, place: Place, step: int) -> Conditions:
    """Return one step's conditions with the departures at ``place``."""
    theta = case.departures.theta(place.departures)
    return depart(case.plain[step], case.departures, theta, place.zones[step], case.assets, case.engine.network)


def faulted(case: Case, condition: Conditions, hypothesis: Hypothesis, step: int) -> Conditions:
    """Return one step's conditions with those faults of the hypothesis that have begun."""
    for fault in hypothesis:
        if step >= fault.onset:
            condition = fault.kind.apply(condition, fault.candidate, fault.severity, case.engine.network)
    return condition


def coming_day(case: Case) -> list[Conditions]:
    """Return the conditions of the 24 hours of the network's day that come next, without departures and faults."""
    zone = case.assets.zone
    return [
        replace(condition, demand=condition.demand * np.exp(case.hourly[hour][zone]))
        for hour, condition in enumerate(day_conditions(case.engine, case.window, case.plain))
    ]


def conditions_at_hour(case: Case, plain: Conditions, place: Place, hypothesis: Hypothesis) -> Conditions:
    """Return an hour of the coming day with the departures at ``place`` and the faults there all the time.

    Demand stands above or below the usual day as it has of late.
    """
    theta = case.departures.theta(place.departures)
    network = case.engine.network
    late = place.zones[-LATE:].mean(axis=0)
    condition = depart(plain, case.departures, theta, late, case.assets, network)
    for fault in hypothesis:
        condition = fault.kind.apply(condition, fault.candidate, fault.severity, network)
    return condition


def evidence_at(case: Case, hypothesis: Hypothesis, base: Evidence, standing: Hypothesis) -> Evidence:
    """Return the evidence of a window under a hypothesis, solved and linearised where the hypothesis puts it.

    ``base`` is the evidence under the ``standing`` faults, at whose working point it stays; its snapshots serve the
    steps in which the hypothesis differs from them in nothing that moves water.
    """
    changed = [fault for fault in (*standing, *hypothesis) if (fault in standing) != (fault in hypothesis)]
    first = min((fault.onset for fault in changed if fault.kind.hydraulic), default=case.window.steps)
    snapshots = [*base.snapshots[:first], *_anew(case, base.place, hypothesis, base.snapshots, first)]
    return _weigh(case, _without_misreading(case, hypothesis, snapshots), snapshots, base.place)


def recentred(case: Case, hypothesis: Hypothesis, evidence: Evidence) -> Evidence:
    """Return the evidence under a hypothesis at the departures and zone factors that it makes likeliest."""
    window = _without_misreading(case, hypothesis, evidence.snapshots)
    believable = _weigh(case, trusting(window, evidence), evidence.snapshots, evidence.place)
    place = _likely(case, believable)
    snapshots = _anew(case, place, hypothesis, evidence.snapshots, 0)
    return _weigh(case, _without_misreading(case, hypothesis, snapshots), snapshots, place)


def _weigh(case: Case, window: Window, snapshots: Sequence[Snapshot], place: Place) -> Evidence:
    return weigh(snapshots, window, case.departures, place, case.assets, case.swing, case.temper)


def _likely(case: Case, evidence: Evidence) -> Place:
    return Place(
        likely_departures(case.departures, evidence, case.assets),
        zones_now(evidence, case.window, case.assets, case.swing),
    )


def marginal(evidence: Evidence, residual: Floats) -> float:
    """Return −½ of the quadratic form of whitened residuals (T, S), departures integrated out."""
    scaled = solve_triangular(evidence.factor, evidence.projected(residual), lower=True)
    return -0.5 * (float(np.sum(residual**2)) - float(scaled @ scaled))


def misreading(hypothesis: Hypothesis, snapshot: Snapshot, step: int) -> Floats:
    """Return (S,) what faults of instruments add to the readings of a step."""
    added = np.zeros(len(snapshot.value))
    for fault in hypothesis:
        if not fault.kind.hydraulic and step >= fault.onset:
            added += fault.severity * fault.kind.directions(snapshot, [fault.candidate])[:, 0]
    return added


def _take(case: Case, place: Place, slopes: bool = True) -> list[Snapshot]:
    """Return the snapshots of the network without a fault."""
    conditions = [conditions_under(case, place, (), step) for step in range(case.window.steps)]
    none = None if slopes else np.empty(0)
    at = [Middle(number, conditions[step], none) for number, step in enumerate(case.middles.tolist())]
    return take_snapshots(case.engine, conditions, case.window.observables, case.regimes.tolist(), at)


def _anew(case: Case, place: Place, hypothesis: Hypothesis, known: Sequence[Snapshot], first: int) -> list[Snapshot]:
    """Return the snapshots under a hypothesis from step ``first`` on; slopes are taken from those ``known``.

    A regime is linearised with the faults and without those that have not begun, in either case at the step in the
    middle of the regime of the network without a fault: a fault that does nothing changes nothing.
    """
    steps = range(first, case.window.steps)
    begun = sorted({fault.onset for fault in hypothesis if fault.kind.hydraulic})
    labels: dict[tuple[int, int], int] = {}
    at, label_of = list[Middle](), list[int]()
    for step in steps:
        number, phase = int(case.regimes[step]), bisect_right(begun, step)
        if (number, phase) not in labels:
            labels[number, phase] = len(at)
            there = tuple(replace(fault, onset=0) for fault in hypothesis if fault.onset <= step)
            middle = conditions_under(case, place, there, int(case.middles[number]))
            at.append(Middle(number, middle, known[step].slope))
        label_of.append(labels[number, phase])
    conditions = [conditions_under(case, place, hypothesis, step) for step in steps]
    return take_snapshots(case.engine, conditions, case.window.observables, label_of, at)


def _without_misreading(case: Case, hypothesis: Hypothesis, snapshots: Sequence[Snapshot]) -> Window:
    """Return the window as it would read if the hypothesis' faulty instruments were right."""
    if all(fault.kind.hydraulic for fault in hypothesis):
        return case.window
    value = case.window.value.copy()
    for step, snapshot in enumerate(snapshots):
        value[:, step] -= misreading(hypothesis, snapshot, step)
    return replace(case.window, value=value)


def open_case(
    engine: Engine, window: Window, departures: Departures, assets: Assets, swing: Swing, temper: float
) -> Case:
    """Return the case of a window, its boundaries set from what was measured.

    Steps in which a tank may be shut, full or empty, or a pump may have switched unseen, are left out unless they are
    more than half.
    """
    plain = conditions_of(engine, window)
    heads, at_limit = decide(engine, window, plain, UNLEARNT)
    plain = [replace(one, head=head) for one, head in zip(plain, heads, strict=True)]
    doubtful = at_limit | switching(engine, window, plain)
    if doubtful.sum() <= window.steps / 2:
        sure = np.flatnonzero(~doubtful)
        window, plain, at_limit = window.keep(sure), [plain[step] for step in sure], at_limit[sure]
    regimes, middle = _regimes(engine, window, plain)
    hourly = np.zeros((24, len(assets.zone_names)))
    case = Case(engine, window, tuple(plain), hourly, regimes, middle, departures, assets, swing, temper)
    for _ in range(AGAIN if at_limit.any() else 0):
        case = _decided_again(case)
    return case


def _regimes(engine: Engine, window: Window, plain: Sequence[Conditions]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (T,) the regime of each step, and (K,) the step in the middle of each."""
    most = int(np.clip(VALUES // max(len(window.points), 1), LEAST_REGIMES, MOST_REGIMES))
    regimes = regimes_of(engine.network, plain, engine.solve_many(plain), window.observables, most)
    return regimes, middles(regimes, np.array([float(one.demand.sum()) for one in plain]))


def _decided_again(case: Case) -> Case:
    """Return the case with tanks near their limits decided once more, by a model that has learnt its departures."""
    place = settle(case, rounds=2).place
    likely = [conditions_under(case, place, (), step) for step in range(case.window.steps)]
    heads, _ = decide(case.engine, case.window, likely, LEARNT)
    tanks = (case.engine.network.node_kind == TANK) & np.isfinite(case.window.head).any(axis=0)
    plain = [replace(one, head=np.where(tanks, head, one.head)) for one, head in zip(case.plain, heads, strict=True)]
    regimes, middle = _regimes(case.engine, case.window, plain)
    return replace(case, plain=tuple(plain), regimes=regimes, middles=middle)
