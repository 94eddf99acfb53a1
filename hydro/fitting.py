"""Fitting: a hypothesis solved, linearised and fitted where it makes what is not known of the network likeliest.

How far one is fitted decides how likely it looks: rivals are to be fitted alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hydro.evidence import Beside, Evidence
from hydro.hypothesis import Hypothesis
from hydro.resolve import Case, evidence_at, halfway, likeliest_place, placed, recentred
from hydro.response import Response
from hydro.weighing import (
    Explained,
    Question,
    Weighed,
    free_width,
    freed,
    log_prior_of,
    rescan,
    shifted,
    slackened,
    stood,
    told_of,
    with_gauges_straying,
)

ROUNDS, SETTLED = 4, 0.02
"""How often departures and severities are fitted in turn at most, and the relative change that is none."""
LITTLE, TOO_LITTLE, MUCH = 2.0, 60.0, 1200.0
"""Of what could be explained a hypothesis misses so much that it is fitted further, that its fault is looked for anew,
and that it is hopeless."""
WORTHWHILE = 0.05
"""Of what it misses it must gain so much in a round, or it is not fitted further [-]."""
MORE_ROUNDS = 4
"""How often departures are fitted at most beyond the first time."""
SAME = 0.1
"""Severities whose logarithms are this near are the same."""
LOST = 5.0
"""A fit that explains so much less than a scan promised has gone astray."""
GAINED = 0.05
"""A step that explains less more than this is not taken."""
WORTH_FITTING = 0.5
"""The same for a hypothesis that is one of many."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A hypothesis' evidence at some working point, and the log-likelihood ``told`` with spoilt gauges straying."""

    evidence: Evidence
    told: float


def explain(asked: Question, one: Weighed) -> Explained:
    """Solve and linearise a hypothesis at its own state, where it makes departures and zones likeliest."""
    standing = one.parent.explained.hypothesis
    evidence = _settled(asked, one)
    there = stood(asked, one.hypothesis, one.log_width, evidence)
    there = _begun_anew(asked, _fitted(asked, there, rounds=1, gained=WORTH_FITTING))
    return freed(_to_the_end(asked, there), len(standing))


def _settled(asked: Question, one: Weighed) -> Evidence:
    """Return the evidence of a hypothesis where it makes departures likeliest, sought anew where that was not found."""
    case, hypothesis, parent = asked.case, one.hypothesis, one.parent.explained

    def fit(evidence: Evidence) -> Fit:
        return Fit(evidence, with_gauges_straying(asked, hypothesis, evidence).log_likelihood)

    best = fit(recentred(case, hypothesis, _foreseen(asked, one)))
    if best.told < min(asked.enough - LITTLE, _promised_by(asked, one) - LOST):
        # Heads answer far from linearly there: the parent's own working point may be the better one.
        best = _better(best, fit(evidence_at(case, hypothesis, parent.evidence, parent.hypothesis)))
    if best.told < asked.enough - TOO_LITTLE:
        # Or that of a network which has bent as far as it can to explain the readings by itself.
        best = _better(best, fit(evidence_at(case, hypothesis, asked.settled, ())))
    for _ in range(MORE_ROUNDS):
        missing = asked.enough - best.told
        if not LITTLE < missing < MUCH:
            break
        before, best = best, _better(best, nearer(case, hypothesis, best, fit))
        if best.told < before.told + LITTLE + WORTHWHILE * missing:
            break
    return best.evidence


def nearer(case: Case, hypothesis: Hypothesis, here: Fit, fit: Callable[[Evidence], Fit]) -> Fit:
    """Return the fit recentred, or half-way there where that is too far: heads need not answer in proportion."""
    whole = fit(recentred(case, hypothesis, here.evidence))
    if whole.told > here.told:
        return whole
    return _better(whole, fit(halfway(case, hypothesis, here.evidence, whole.evidence)))


def _better(one: Fit, other: Fit) -> Fit:
    return other if other.told > one.told else one


def _promised_by(asked: Question, one: Weighed) -> float:
    """Return the log-likelihood that a scan promised."""
    return one.log_weight - one.log_width - log_prior_of(asked, one.hypothesis)


def _foreseen(asked: Question, one: Weighed) -> Evidence:
    """Return the parent's evidence with the readings moved as the hypothesis moves them, a few steps solved exactly."""
    base, standing = one.parent.explained.evidence, one.parent.explained.hypothesis
    fault = one.hypothesis[-1]
    response = Response(asked.case, base, standing, one.hypothesis, len(standing))
    begun = np.arange(asked.case.window.steps)[:, None] >= fault.onset
    on = response.on(fault.severity, fault.severity, fault.severity)
    return base.shifted(np.where(begun, on, response.off))


def _begun_anew(asked: Question, one: Explained) -> Explained:
    """Return a hypothesis with its last fault looked for anew, severity and onset, where it explains too little.

    What the departures hide while the fault is away may show when they are where it wants them.
    """
    fault = one.hypothesis[-1]
    if not fault.kind.hydraulic or not TOO_LITTLE < asked.enough - one.told < MUCH:
        return one
    scan, _ = rescan(asked, one, len(one.hypothesis) - 1)
    if scan.onset == fault.onset and abs(np.log(scan.best / fault.severity)) < SAME:
        return one
    hypothesis = (*one.hypothesis[:-1], replace(fault, severity=scan.best, onset=scan.onset))
    there = evidence_at(asked.case, hypothesis, one.evidence, one.hypothesis)
    there = max(there, recentred(asked.case, hypothesis, there), key=lambda tried: tried.log_likelihood)
    return max(one, stood(asked, hypothesis, one.log_width, there), key=lambda tried: tried.told)


def _to_the_end(asked: Question, one: Explained) -> Explained:
    """Return a hypothesis with its last fault as severe as can be, where it is all but that and more is explained."""
    fault = one.hypothesis[-1]
    greatest = float(fault.kind.severities(asked.scene)[-1])
    if not fault.kind.abrupt_beyond < fault.severity < greatest:
        return one
    hypothesis = (*one.hypothesis[:-1], replace(fault, severity=greatest))
    evidence = evidence_at(asked.case, hypothesis, one.evidence, one.hypothesis)
    if told_of(asked, hypothesis, evidence) < one.told + GAINED:
        return one
    return stood(asked, hypothesis, one.log_width, evidence)


def polished(asked: Question, one: Explained) -> Explained:
    """Return a hypothesis fitted where it makes the departures likeliest, which moves as severities do."""
    fitted = one
    for _ in range(ROUNDS):
        before = [abs(fault.severity) for fault in fitted.hypothesis]
        evidence = recentred(asked.case, fitted.hypothesis, fitted.evidence)
        fitted = _fitted(asked, stood(asked, fitted.hypothesis, one.log_width, evidence))
        if np.allclose(before, [abs(fault.severity) for fault in fitted.hypothesis], rtol=SETTLED, atol=0.0):
            break
    return freed(fitted, len(one.hypothesis) - 1)


def _fitted(asked: Question, one: Explained, rounds: int = 3, gained: float = GAINED) -> Explained:
    """Return a hypothesis with severities and departures moved together to where the readings want them."""
    for _ in range(rounds):
        free = slackened(one)
        if _promised(free.beside, len(one.hypothesis)) < gained:
            return one
        steps = (_together(asked, one, free), _alone(asked, one, free))
        better = (step for step in steps if step.told > one.told + GAINED)
        moved = next(better, None)
        if moved is None:
            return one
        one = moved
    return one


def _together(asked: Question, one: Explained, free: Evidence) -> Explained:
    """Return a hypothesis with its severities and the departures moved to where they are likeliest together."""
    case = asked.case
    hypothesis = shifted(asked, one.hypothesis, range(len(one.hypothesis)), free.beside.mean)
    evidence = placed(case, hypothesis, one.evidence, likeliest_place(case, free))
    return stood(asked, hypothesis, one.log_width, evidence)


def _alone(asked: Question, one: Explained, free: Evidence) -> Explained:
    """Return a hypothesis with its severities moved, the departures where they are."""
    hypothesis = shifted(asked, one.hypothesis, range(len(one.hypothesis)), free.beside.mean)
    evidence = evidence_at(asked.case, hypothesis, one.evidence, one.hypothesis)
    return stood(asked, hypothesis, one.log_width, evidence)


def _promised(beside: Beside, count: int) -> float:
    """Return by how much the log-likelihood grows where the last ``count`` unknowns beside go to their mean."""
    return 0.5 * float(np.sum((beside.factor[-count:, -count:].T @ beside.mean[-count:]) ** 2))


def rest_of(asked: Question, one: Explained, place: int) -> Explained:
    """Return a hypothesis with one of its faults taken away, solved at the same departures."""
    hypothesis = (*one.hypothesis[:place], *one.hypothesis[place + 1 :])
    evidence = evidence_at(asked.case, hypothesis, one.evidence, one.hypothesis)
    return freed(stood(asked, hypothesis, free_width(asked, hypothesis), evidence), len(hypothesis))
