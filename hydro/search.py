"""The search for hypotheses that explain a window.

It grows the best hypotheses by a fault at a time, then takes each fault of the best one away in turn and looks what
else could stand in its place. Where tanks decided as the best hypothesis has the network explain more, it begins again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hydro.complaint import Complaint
from hydro.errors import SolveError
from hydro.evidence import Evidence, expected
from hydro.faults import Candidate, Scene
from hydro.hypothesis import Priors
from hydro.ledger import Effort, Ledger, solvable
from hydro.resolve import Case, at_rest, settle
from hydro.shortlist import Key
from hydro.unexplained import unexplained_ratio
from hydro.weighing import Explained, Question, Weighed, complaint_odds, watched_pressure


@dataclass(frozen=True, slots=True)
class Search:
    """All that was found: ``healthy`` evidence and log weight, exact hypotheses, and those judged more roughly.

    Both are sorted, the likeliest first; no set of causes is in both.
    """

    asked: Question
    healthy: Evidence
    healthy_log_weight: float
    unexplained_log_weight: float
    explained: tuple[Explained, ...]
    tail: tuple[Weighed, ...]

    @property
    def case(self) -> Case:
        """Return what was explained."""
        return self.asked.case


def search(case: Case, scene: Scene, priors: Priors, complaint: Complaint | None, effort: Effort) -> Search:
    """Return the hypotheses worth naming, each with its posterior weight.

    Raises
    ------
    SolveError
        EPANET solves none of them, or not the network as it is.
    """
    believed = priors.of(scene)
    ledger = _begun(case, scene, believed, priors, complaint, effort)
    for _ in range(effort.turns):
        turned = ledger.turned()
        other = None if turned is None else solvable(_begun, turned, scene, believed, priors, complaint, effort)
        if other is None or other.best().told < ledger.best().told:
            break
        other.faultless += ledger.faultless
        ledger = other
    for count in range(1, effort.most_faults):
        for one in ledger.worth_growing(count):
            ledger.extend(one)
    ledger.swap()
    ledger.solve_named()
    # Wherever the network without a fault explains most, at rest, settled, or where the best fault would have it.
    healthy = max(ledger.faultless, key=lambda one: one.log_likelihood)
    heard = complaint_odds(watched_pressure(healthy, complaint), complaint, ledger.asked.usual)
    quiet = float(np.log(max(1e-9, 1.0 - priors.any_fault - priors.unexplained)))
    unknown = float(np.log(priors.unexplained)) + unexplained_ratio(healthy, ledger.case.window)
    return Search(
        asked=ledger.asked,
        healthy=healthy,
        healthy_log_weight=quiet + healthy.log_likelihood + heard,
        unexplained_log_weight=unknown + healthy.log_likelihood,
        explained=tuple(sorted(ledger.explained.values(), key=lambda one: -one.log_weight)),
        tail=ledger.tail(),
    )


def _begun(
    case: Case,
    scene: Scene,
    believed: Mapping[Key, tuple[Candidate, float]],
    priors: Priors,
    complaint: Complaint | None,
    effort: Effort,
) -> Ledger:
    """Return the ledger of a case with every hypothesis of one fault.

    Raises
    ------
    SolveError
        EPANET solves none of them, or not the network as it is.
    """
    settled, rest = settle(case), at_rest(case)
    usual = 0.0 if complaint is None else float(watched_pressure(rest, complaint)[complaint.steps].min())
    ledger = Ledger(Question(case, scene, believed, priors, complaint, usual, expected(rest), settled), effort)
    ledger.faultless += [settled, rest]
    ledger.extend(Explained((), 0.0, rest.log_likelihood, 0.0, rest, slack=np.zeros((*rest.residual.shape, 0))))
    if not ledger.explained:
        raise SolveError(f"{case.engine.network.name}: EPANET finds no state under any cause that was tried")
    return ledger
