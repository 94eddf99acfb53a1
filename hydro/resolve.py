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
from hydro.evidence import Evidence, Place, expected, likely_departures, trusting, weigh, zones_now
from hydro.full_tanks import by_evidence, by_readings, decide
from hydro.hypothesis import Hypothesis
from hydro.network import TANK
from hydro.readings import Floats
from hydro.regimes import middles, regimes_of
from hydro.snapshot import Middle, Snapshot, take_snapshots
from hydro.straying import UNTRUE, is_gauge, own_by_onset
from hydro.threads import on_one_core
from hydro.window import Window, conditions_of, switching

VALUES, LEAST_REGIMES, MOST_REGIMES = 1000, 4, 48
"""How many observed values are linearised, over how many ways of working.

As many as there is time for: a tank that fills in one step and is shut in the next, at the same place, is another town.
"""
SOLVED, FEW, MANY, FEWEST = 16_000, 8, 16, 3
"""How many links are solved to see what a fault does, in how many steps at least and at most, and in how many to see
whether it is worth looking at."""
UNLEARNT, LEARNT = 0.1, 0.02
"""What the model may be off before and after it has learnt from a window, as a part of a reading [-]."""
ASTRAY = 50.0
"""A model that misses so much of what could be explained would make tanks say what something else has done."""
AGAIN = 2
"""How often tanks near their limits are decided anew with what was learnt the time before."""
MOST_ROUNDS, UNSETTLED = 8, 10.0
"""How often the working point is looked for at most, and what a round beyond the first few must gain."""
WIDEST = 3.0
"""How far zones stray at most from what is believed, in standard deviations."""
BENT = 1.2
"""How far zones stray in the mean where something else must have moved all points, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that stays the same while hypotheses come and go.

    ``window``: the steps looked at, and ``as_read`` before it was doubted in what state tanks were; ``plain``: their
    conditions as the model and the measured boundaries have them; ``hourly``: (24, Z) log demand factor of each zone by
    the hour, which a baseline taught; ``regimes``: (T,) in which way the network works, and ``middles``: (K,) the step
    in the middle of each; ``few``, ``fewest``: (T,) the same by fewer ways, of which one step each is solved to see
    what a fault does.
    """

    engine: Engine
    window: Window
    as_read: Window
    plain: tuple[Conditions, ...]
    hourly: Floats
    regimes: NDArray[np.intp]
    middles: NDArray[np.intp]
    few: NDArray[np.intp]
    fewest: NDArray[np.intp]
    departures: Departures
    assets: Assets
    swing: Swing
    temper: float

    @property
    def compared(self) -> NDArray[np.intp]:
        """Return the steps, one for each of the fewest ways of working, in which faults are compared."""
        return np.array([np.flatnonzero(self.fewest == way)[0] for way in np.unique(self.fewest)], dtype=np.intp)


@on_one_core
def settle(case: Case, rounds: int = 3) -> Evidence:
    """Return the evidence of the network without a fault, solved where departures and zone factors are likeliest.

    After the first ``rounds`` more are made as long as each gains much; one that loses is not believed.
    """
    place = Place(case.departures.mean, np.zeros((case.window.steps, len(case.assets.zone_names))))
    best = evidence = _weigh(case, case.window, _take(case, place, slopes=rounds == 1), place)
    for number in range(2, MOST_ROUNDS + 1):
        evidence = _weigh(case, trusting(case.window, evidence), evidence.snapshots, place, evidence)
        place = likeliest_place(case, evidence)
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
    looked for in. One that all points see would bend it out of all likeness: then zones stand as they were.
    """
    still = np.zeros((case.window.steps, len(case.assets.zone_names)))
    place = Place(case.departures.mean, still)
    snapshots = _take(case, place, slopes=False)
    evidence = _weigh(case, case.window, snapshots, place)
    evidence = _weigh(case, trusting(case.window, evidence), snapshots, place, evidence)
    zones = zones_now(evidence, case.window, case.assets, case.swing)
    bent = float(np.sqrt(np.mean(zones**2))) > BENT * float(np.hypot(case.swing.zone, case.swing.drift))
    place = Place(case.departures.mean, still if bent else zones)
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


def evidence_at(case: Case, hypothesis: Hypothesis, base: Evidence, standing: Hypothesis) -> Evidence:
    """Return the evidence of a window under a hypothesis, solved and linearised where the hypothesis puts it.

    ``base`` is the evidence under the ``standing`` faults, at whose working point it stays; its snapshots serve the
    steps in which the hypothesis differs from them in nothing that moves water.
    """
    changed = [fault for fault in (*standing, *hypothesis) if (fault in standing) != (fault in hypothesis)]
    first = min((fault.onset for fault in changed if fault.kind.hydraulic), default=case.window.steps)
    snapshots = [*base.snapshots[:first], *_anew(case, base.place, hypothesis, base.snapshots, first)]
    return _weigh(case, _without_misreading(case, hypothesis, snapshots), snapshots, base.place, base)


def recentred(case: Case, hypothesis: Hypothesis, evidence: Evidence) -> Evidence:
    """Return the evidence under a hypothesis at the departures and zone factors that it makes likeliest."""
    window = _blind(case, hypothesis, _without_misreading(case, hypothesis, evidence.snapshots))
    believable = _weigh(case, trusting(window, evidence), evidence.snapshots, evidence.place, evidence)
    return placed(case, hypothesis, evidence, likeliest_place(case, believable))


def _blind(case: Case, hypothesis: Hypothesis, window: Window) -> Window:
    """Return the window with what spoilt gauges read so doubtful that it has no say in where the network is."""
    deviation = window.deviation.copy()
    for fault in hypothesis:
        if is_gauge(case.window, fault):
            deviation[fault.candidate.indices[0], fault.onset :] = UNTRUE
    return replace(window, deviation=deviation)


def halfway(case: Case, hypothesis: Hypothesis, one: Evidence, other: Evidence) -> Evidence:
    """Return the evidence under a hypothesis half-way between two working points."""
    here, there = one.place, other.place
    half = Place(0.5 * (here.departures + there.departures), 0.5 * (here.zones + there.zones))
    return placed(case, hypothesis, one, half)


def deaf(case: Case, hypothesis: Hypothesis, evidence: Evidence) -> Evidence:
    """Return the evidence of a hypothesis whose spoilt gauges say nothing of the network any more."""
    window = _without_misreading(case, hypothesis, evidence.snapshots)
    blind = _weigh(case, _blind(case, hypothesis, window), evidence.snapshots, evidence.place, evidence)
    gauges = [fault for fault in hypothesis if is_gauge(case.window, fault)]
    own = sum(own_by_onset(case.window, evidence, one.candidate.indices[0])[one.onset] for one in gauges)
    return replace(blind, log_likelihood=blind.log_likelihood + own)


def placed(case: Case, hypothesis: Hypothesis, evidence: Evidence, place: Place) -> Evidence:
    """Return the evidence under a hypothesis, known at another working point already, at this one."""
    snapshots = _anew(case, place, hypothesis, evidence.snapshots, 0)
    return _weigh(case, _without_misreading(case, hypothesis, snapshots), snapshots, place)


def _weigh(
    case: Case, window: Window, snapshots: Sequence[Snapshot], place: Place, before: Evidence | None = None
) -> Evidence:
    """Return the evidence of snapshots; ``before``: what is known already of some of their regimes."""
    sight = None if before is None else before.sight
    return weigh(snapshots, window, case.departures, place, case.assets, case.swing, case.temper, sight)


def likeliest_place(case: Case, evidence: Evidence) -> Place:
    """Return the working point that the evidence makes likeliest, no further off than departures are believed to be.

    What a wrong hypothesis cannot explain would bend the network out of all likeness.
    """
    size = float(evidence.mean @ evidence.mean)
    part = min(1.0, float(np.sqrt(len(evidence.mean) / max(size, 1e-9))))
    beside = replace(evidence.beside, mean=part * evidence.beside.mean)
    believable = replace(evidence, mean=part * evidence.mean, beside=beside)
    widest = WIDEST * float(np.hypot(case.swing.zone, case.swing.drift))
    return Place(
        likely_departures(case.departures, believable),
        np.clip(zones_now(evidence, case.window, case.assets, case.swing), -widest, widest),
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

    Steps in which a pump may have switched unseen are left out unless they are more than half; where it is not known
    whether a tank is shut, full or empty, the readings that hang on it are doubtful.
    """
    plain = conditions_of(engine, window)
    heads, doubt = decide(engine, window, plain, by_readings(window, UNLEARNT))
    plain = [replace(one, head=head) for one, head in zip(plain, heads, strict=True)]
    guessed = switching(engine, window, plain)
    if guessed.sum() <= window.steps / 2:
        sure = np.flatnonzero(~guessed)
        window, plain, doubt = window.keep(sure), [plain[step] for step in sure], doubt[:, sure]
    hourly = np.zeros((24, len(assets.zone_names)))
    ways = _ways(engine, window, plain)
    doubted = _doubted(window, doubt)
    case = Case(engine, doubted, window, tuple(plain), hourly, *ways, departures, assets, swing, temper)
    for _ in range(AGAIN if doubt.any() else 0):
        before, case = case, decided_under(case, (), settle(case, rounds=2))
        if tanks_alike(before, case):
            break
    return case


def tanks_alike(one: Case, other: Case) -> bool:
    """Return whether two cases of a window have every tank in the same state in every step."""
    return all(np.array_equal(mine.head, yours.head) for mine, yours in zip(one.plain, other.plain, strict=True))


def _doubted(window: Window, doubt: Floats) -> Window:
    """Return the window with readings as doubtful (S, T) [SI] as it is in what state the network was."""
    return replace(window, deviation=np.hypot(window.deviation, doubt))


def _ways(
    engine: Engine, window: Window, plain: Sequence[Conditions]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return (T,) the regime of each step, (K,) the step in the middle of each, and (T,) the same in fewer regimes."""
    most = int(np.clip(VALUES // max(len(window.points), 1), LEAST_REGIMES, MOST_REGIMES))
    solved = int(np.clip(SOLVED // len(engine.network.link_ids), FEW, MANY))
    states = engine.solve_many(plain)
    regimes, few, fewest = (
        regimes_of(engine.network, plain, states, window.observables, count) for count in (most, solved, FEWEST)
    )
    return regimes, middles(regimes, np.array([float(one.demand.sum()) for one in plain])), few, fewest


def decided_under(case: Case, hypothesis: Hypothesis, evidence: Evidence) -> Case:
    """Return the case with tanks near their limits decided once more, by the network as a hypothesis has it.

    Behind a closed main tanks drain that would be full without it, and other readings say so only beside the fault.
    """
    window, place = case.as_read, evidence.place
    likely = [conditions_under(case, place, hypothesis, step) for step in range(window.steps)]
    sure = replace(case, window=window)
    told = _weigh(sure, _without_misreading(sure, hypothesis, evidence.snapshots), evidence.snapshots, place)
    explains = told.log_likelihood > expected(told) - ASTRAY
    judge = by_evidence(told) if explains else by_readings(window, LEARNT)
    heads, doubt = decide(case.engine, window, likely, judge)
    tanks = (case.engine.network.node_kind == TANK) & np.isfinite(window.head).any(axis=0)
    plain = [replace(one, head=np.where(tanks, head, one.head)) for one, head in zip(case.plain, heads, strict=True)]
    regimes, middle, few, fewest = _ways(case.engine, window, plain)
    doubted = _doubted(window, doubt)
    return replace(case, window=doubted, plain=tuple(plain), regimes=regimes, middles=middle, few=few, fewest=fewest)
