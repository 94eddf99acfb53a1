"""The linear model against finite differences of EPANET, element kind by element kind.

``python -m benchmarks.engine.finite_differences``: a table over all networks at hand. EPANET stops iterating at a
tolerance, so a finite difference has an error of its own: each is taken with two steps, and three times what they
differ by is taken off the deviation. What is left is given relative to the largest change seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hydro import project
from hydro.conditions import Conditions
from hydro.connection import cut_off
from hydro.engine import Engine
from hydro.gradients import GRAVITY
from hydro.linear import Linearisation, Sensitivities
from hydro.network import GPV, JUNCTION, PBV, PUMP, TANK, TCV, Network
from hydro.observables import FLOW, HEAD, Observables
from hydro.readings import Floats
from hydro.state import State

TIGHTEST = 1e-8
"""The tightest tolerance that EPANET takes."""
LINK_WORDS = ("check valve", "pipe", "pump", "PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
OWN_ERRORS = 3.0
"""What a finite difference is forgiven: so many times what it differs from one of another step."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """A column of the linear model beside a finite difference; ``size`` is relative to the largest change seen.

    ``cause``: what was disturbed; ``element``: which one; ``seen``: ``head`` or ``flow``; ``where`` it deviates most.
    """

    cause: str
    element: str
    seen: str
    size: float
    where: str


@dataclass(frozen=True, slots=True)
class _Cause:
    cause: str
    element: str
    column: Floats
    step: float
    central: bool
    disturbed: Callable[[float], Conditions]
    size: Callable[[State, float], float]


def deviations(inp: Path, times_s: Sequence[float], most: int = 20, seed: int = 0) -> Iterator[Deviation]:
    """Yield the deviations of the linear model of a network at network times: ``most`` elements of each kind a time."""
    usual = project.TIGHT
    project.TIGHT = TIGHTEST
    try:
        with Engine(inp, workers=1) as engine:
            draw = np.random.default_rng(seed)
            for conditions in engine.conditions_at(np.asarray(times_s, dtype=np.float64)):
                yield from _at(engine, conditions, most, draw)
    finally:
        project.TIGHT = usual


def _at(engine: Engine, conditions: Conditions, most: int, draw: np.random.Generator) -> Iterator[Deviation]:
    network, state = engine.network, engine.solve(conditions)
    fed = ~cut_off(network, state.status)
    observables = _watched(network, state, fed, draw)
    model = Linearisation(network, state, conditions, engine.pressure_demand).sensitivities(observables)
    for cause in _causes(network, conditions, state, fed, model, most, draw):
        found = _differences(engine, state, cause, observables)
        if found is None:
            continue
        change, other = found
        for word, kind in (("head", HEAD), ("flow", FLOW)):
            rows = np.flatnonzero(observables.kind == kind)
            apart = np.abs(cause.column - change)[rows] - OWN_ERRORS * np.abs(change - other)[rows]
            # A change of a thousandth of a metre or of a litre a second per unit is none.
            largest = max(float(np.abs(change[rows]).max()), float(np.abs(cause.column[rows]).max()), 1e-3)
            worst = int(np.argmax(apart))
            ids = network.node_ids if kind == HEAD else network.link_ids
            where = ids[observables.index[rows[worst]]]
            yield Deviation(cause.cause, cause.element, word, max(float(apart[worst]), 0.0) / largest, where)


def _watched(network: Network, state: State, fed: NDArray[np.bool_], draw: np.random.Generator) -> Observables:
    """Return heads of 40 junctions and flows of 40 links, and of every pump and valve."""
    junctions = draw.permutation(np.flatnonzero(fed & (network.node_kind == JUNCTION)))[:40]
    links = draw.permutation(np.flatnonzero(state.status))[:40]
    links = np.union1d(links, np.flatnonzero((network.link_kind >= PUMP) & fed[network.start]))
    kind = np.concatenate([np.full(len(junctions), HEAD), np.full(len(links), FLOW)]).astype(np.int8)
    return Observables(kind, np.concatenate([junctions, links]))


def _causes(
    network: Network,
    conditions: Conditions,
    state: State,
    fed: NDArray[np.bool_],
    model: Sensitivities,
    most: int,
    draw: np.random.Generator,
) -> Iterator[_Cause]:
    drawing = draw.permutation(np.flatnonzero(fed & (network.node_kind == JUNCTION) & (conditions.demand != 0.0)))
    for node in drawing[:most].tolist():
        step = max(1e-2 * abs(conditions.demand[node]), 1e-5)
        demand = _moved(conditions, "demand", node)
        yield _Cause("demand", network.node_ids[node], model.demand[:, node], step, True, demand, _as_set)
    for node in [one for one in drawing.tolist() if state.pressure[one] > 1.0][:most]:
        exponent = network.emitter_exponent
        leak, step = _moved(conditions, "leak", node), 1e-5 / state.pressure[node] ** exponent
        outflow = partial(_outflow, node=node, exponent=exponent)
        yield _Cause("outflow", network.node_ids[node], model.withdrawal[:, node], step, False, leak, outflow)
    for node in network.fixed.tolist():
        word = "tank" if network.node_kind[node] == TANK else "reservoir"
        head = _moved(conditions, "head", node)
        yield _Cause(word, network.node_ids[node], model.source[:, node], 1e-2, True, head, _as_set)
    # A link that loses less than a millimetre has no slope that EPANET's own tolerance would leave.
    flowing = state.status & fed[network.start] & (np.abs(state.headloss) > 1e-3)
    for kind in np.unique(network.link_kind[flowing]).tolist():
        if kind in (PUMP, GPV):
            continue
        for link in draw.permutation(np.flatnonzero(flowing & (network.link_kind == kind)))[:most].tolist():
            yield _added_loss(network, conditions, state, model, link)


def _added_loss(network: Network, conditions: Conditions, state: State, model: Sensitivities, link: int) -> _Cause:
    """Return the cause of a little headloss added to a link: a minor loss, one metre per velocity head.

    A throttle valve's and a breaker valve's losses are their settings.
    """
    kind = network.link_kind[link]
    added = float(np.clip(0.05 * abs(state.headloss[link]), 1e-4, 5e-3))
    per_unit = float(np.sign(state.flow[link]))
    if kind != PBV:
        per_unit *= float(state.velocity[link]) ** 2 / (2.0 * GRAVITY)
    name = "setting" if kind in (PBV, TCV) else "minor_loss"
    file = state.setting if name == "setting" else network.minor_loss
    given = getattr(conditions, name)
    base = replace(conditions, **{name: np.where(np.isfinite(given), given, file)})
    return _Cause(
        cause=LINK_WORDS[kind],
        element=network.link_ids[link],
        column=model.headloss[:, link],
        step=added / abs(per_unit),
        central=False,
        disturbed=_moved(base, name, link),
        size=lambda _, step: step * per_unit,
    )


def _as_set(_: State, step: float) -> float:
    return step


def _outflow(after: State, step: float, node: int, exponent: float) -> float:
    return float(step * after.pressure[node] ** exponent)


def _moved(conditions: Conditions, name: str, place: int) -> Callable[[float], Conditions]:
    def moved(step: float) -> Conditions:
        values = getattr(conditions, name).copy()
        values[place] += step
        return replace(conditions, **{name: values})

    return moved


def _differences(
    engine: Engine, before: State, cause: _Cause, observables: Observables
) -> tuple[Floats, Floats] | None:
    """Return the change per unit with two steps; None where the disturbance switches something.

    Where a step back means something (``central``) the difference is central, elsewhere forward and extrapolated.
    """
    steps = (-2.0, -1.0, 1.0, 2.0) if cause.central else (1.0, 2.0)
    values, sizes = {0.0: observables.values(before, engine.network)}, {}
    for step in steps:
        state = engine.solve(cause.disturbed(step * cause.step))
        if not (np.array_equal(state.status, before.status) and np.array_equal(state.active, before.active)):
            return None
        values[step] = observables.values(state, engine.network)
        sizes[step] = cause.size(state, step * cause.step)
    if cause.central:
        return (values[1.0] - values[-1.0]) / (2.0 * sizes[1.0]), (values[2.0] - values[-2.0]) / (2.0 * sizes[2.0])
    near, far = (values[1.0] - values[0.0]) / sizes[1.0], (values[2.0] - values[0.0]) / sizes[2.0]
    return 2.0 * near - far, near


def main() -> None:
    """Print the table of all networks at hand."""
    from benchmarks.engine.networks import NETWORKS

    print("| network | disturbed | columns | median | 95th percentile | largest |")
    print("|---|---|---|---|---|---|")
    for name, path in NETWORKS.items():
        by_cause: dict[str, list[float]] = {}
        for one in deviations(path, [2 * 3600.0, 8 * 3600.0, 15 * 3600.0]):
            by_cause.setdefault(one.cause, []).append(one.size)
        for cause, sizes in by_cause.items():
            middle, high, largest = np.quantile(sizes, [0.5, 0.95, 1.0])
            print(f"| {name} | {cause} | {len(sizes)} | {middle:.0e} | {high:.0e} | {largest:.0e} |", flush=True)


if __name__ == "__main__":
    main()
