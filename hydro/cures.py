"""Cures: what to do about the causes, each solved exactly, the most metres first.

A fault is cured by taking it away. A thin main is cured by the smallest catalogue size that takes four fifths of its
friction away at the demand found; which main, the pressure's own gradient tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hydro.attribution import Resize
from hydro.catalogue import Catalogue, PipeSize
from hydro.coming_day import coming_day
from hydro.conditions import Conditions
from hydro.consequences import likely_place, without
from hydro.diagnosis import Diagnosis
from hydro.hypothesis import Fault, Hypothesis
from hydro.linear import Linearisation
from hydro.mains import Main, main_of
from hydro.network import PIPES
from hydro.observables import PRESSURE, Observables
from hydro.readings import Floats
from hydro.resolve import conditions_under
from hydro.state import State

GIVEN_BACK = 0.8
"""A new size gives back at least this part of what the main's friction costs [-]; a planner's choice, no standard."""
WORTH = 1.0
"""A main is called thin when replacing it gives back at least this much [m]."""

World = tuple[Hypothesis, Sequence[Resize]]
"""Faults that are there, and mains that have been laid anew."""


@dataclass(frozen=True, slots=True)
class Cure:
    """A change and the pressure [m] it gives back at the node, with everything else left as it is.

    ``before``, ``after``: (24,) pressure at the node [m] through the hours of a usual day with the faults and without.
    """

    faults: tuple[Fault, ...]
    resizes: tuple[Resize, ...]
    regained: float
    pressure: float
    before: Floats
    after: Floats


def thin_mains(
    diagnosis: Diagnosis, hypothesis: Hypothesis, catalogue: Catalogue, node: int, step: int, most: int = 2
) -> list[Resize]:
    """Return the mains whose thinness costs the node at least a metre once the blockages are gone.

    What a main costs is judged with blockages cured but demand as it has grown: that is what the main must carry.
    """
    case = diagnosis.found.case
    demand_only = tuple(fault for fault in hypothesis if fault.candidate.kind in ("demand_growth", "leak"))
    condition = conditions_under(case, likely_place(case, diagnosis.answering), demand_only, step)
    state = case.engine.solve(condition)
    chosen: list[Resize] = []
    seen: set[int] = set()
    for link in np.argsort(-_cost(diagnosis, state, condition, node)):
        if len(seen) > 40 or len(chosen) >= most:
            break
        if int(link) in seen:
            continue
        main = main_of(case.engine.network, case.assets, int(link))
        seen.update(main.links)
        resize = _resize(main, state, catalogue, case.engine.network.headloss_formula)
        if resize is None:
            continue
        gained = case.engine.solve(resize.apply(condition)).pressure[node] - state.pressure[node]
        if gained >= WORTH:
            chosen.append(resize)
    return chosen


def cures(diagnosis: Diagnosis, hypothesis: Hypothesis, resizes: Sequence[Resize], node: int, step: int) -> list[Cure]:
    """Return every single cure and all of them together, solved exactly, the best first."""
    curable = [fault for fault in hypothesis if fault.kind.hydraulic and fault.candidate.kind != "demand_growth"]
    plans: list[tuple[tuple[Fault, ...], tuple[Resize, ...]]] = [((fault,), ()) for fault in curable]
    plans += [((), (resize,)) for resize in resizes]
    gone = _gone_with(hypothesis, resizes)
    together = tuple(fault for fault in curable if fault not in gone), tuple(resizes)
    if plans and together not in plans:
        plans.append(together)
    worlds = [(hypothesis, ()), *((_left(hypothesis, faults, laid), laid) for faults, laid in plans)]
    before, *after = _through_the_day(diagnosis, worlds, node)
    now, *then = (_at_step(diagnosis, left, laid, node, step) for left, laid in worlds)
    found = [
        Cure(faults, laid, pressure - now, pressure, before, day)
        for (faults, laid), pressure, day in zip(plans, then, after, strict=True)
    ]
    return sorted(found, key=lambda cure: -cure.regained)


def _left(hypothesis: Hypothesis, faults: Sequence[Fault], laid: Sequence[Resize]) -> Hypothesis:
    """Return what is left of a hypothesis once faults are cured and mains laid anew."""
    for fault in (*faults, *_gone_with(hypothesis, laid)):
        hypothesis = without(hypothesis, fault)
    return hypothesis


def _at_step(diagnosis: Diagnosis, hypothesis: Hypothesis, laid: Sequence[Resize], node: int, step: int) -> float:
    """Return the pressure at the node [m] in a step of the window."""
    case = diagnosis.found.case
    condition = conditions_under(case, likely_place(case, diagnosis.answering), hypothesis, step)
    for resize in laid:
        condition = resize.apply(condition)
    return float(case.engine.solve(condition).pressure[node])


def _through_the_day(diagnosis: Diagnosis, worlds: Sequence[World], node: int) -> list[Floats]:
    """Return for each world (24,) pressure at the node [m] through the coming day."""
    case = diagnosis.found.case
    place = likely_place(case, diagnosis.answering)

    def pressures(world: World) -> Floats:
        return np.array([state.pressure[node] for state in coming_day(case, place, *world)])

    return case.engine.on_all_cores(pressures, worlds)


def _gone_with(hypothesis: Hypothesis, laid: Sequence[Resize]) -> list[Fault]:
    """Return the blockages that lie in mains which are replaced, old valves and all."""
    links = {link for resize in laid for link in resize.main.links}
    return [
        fault for fault in hypothesis if fault.candidate.kind == "blocked_link" and fault.candidate.indices[0] in links
    ]


def _cost(diagnosis: Diagnosis, state: State, condition: Conditions, node: int) -> Floats:
    """Return (L,) head [m] at the node that each pipe's friction costs, to first order (one adjoint solve)."""
    case = diagnosis.found.case
    network = case.engine.network
    row = Observables(kind=np.array([PRESSURE], dtype=np.int8), index=np.array([node], dtype=np.intp))
    linear = Linearisation(network, state, condition, case.engine.pressure_demand)
    per_metre = linear.sensitivities(row).headloss[0]
    is_pipe = np.isin(network.link_kind, PIPES)
    return np.asarray(np.where(is_pipe, -per_metre * state.headloss, 0.0))


def _resize(main: Main, state: State, catalogue: Catalogue, formula: str) -> Resize | None:
    """Return the smallest larger size that takes most of the main's friction away at its greatest flow."""
    flow = float(np.max(np.abs(state.flow[list(main.links)])))
    lost = float(np.abs(state.headloss[list(main.links)]).sum()) / max(main.length, 1e-6)
    for size in catalogue.family_of(main.material):
        if size.inner > main.diameter * 1.05 and _gradient(size, flow) <= (1.0 - GIVEN_BACK) * lost:
            return Resize(main, size.name, size.inner, size.roughness(formula))
    return None


def _gradient(size: PipeSize, flow: float) -> float:
    """Return metres lost per metre by Hazen–Williams (SI) at a flow [m³/s]."""
    return float(10.67 * abs(flow) ** 1.852 / (size.hazen_williams**1.852 * size.inner**4.871))
