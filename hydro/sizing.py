"""Sizing: which mains are too thin, by what their thinness costs customers.

A main is under-sized where it costs customers pressure, not where a rule of thumb says so. What customers lack is the
shortfall ``Σ w·max(0, required − pressure)``, w customers at a node. One adjoint solve gives its gradient by headloss
added to every link; the Thévenin equivalent of each says how much headloss a wider pipe takes away there; EPANET solves
the best exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hydro.assets import Assets
from hydro.catalogue import Catalogue, PipeSize
from hydro.conditions import Conditions
from hydro.connection import cut_off
from hydro.engine import Engine
from hydro.friction import friction_ratio
from hydro.gradients import GRAVITY
from hydro.linear import Linearisation
from hydro.network import JUNCTION, PIPES, Network
from hydro.readings import Floats
from hydro.state import State

CLOSER_LOOK = 4
"""How many times the mains asked for are looked at one by one in the linear model."""
SPARE = 0.25
"""How many more mains than asked for EPANET solves, as a part of them [-]."""
STARVED = 0.1
"""A main starves a customer whom its next size would give this much pressure back [m]."""
YEARS = 50
"""Growth is looked at for so long."""
_EXPONENT = 1.852
"""Friction against flow over the short way to the wider pipe's flow, whatever the formula [-]."""


@dataclass(frozen=True, slots=True)
class Main:
    """A main and what its thinness costs.

    ``link``: index; ``velocity`` [m/s] and ``unit_headloss`` [m/m] at the instant of greatest demand looked at;
    ``gain``: metres of shortfall, times customers, that its next ``size`` takes away; ``customers``: how many have less
    than they require and would get more; ``regained``: pressure [m] it gives the customer it helps most; ``spare``:
    flow [m³/s] it can still carry to its lower end before somebody falls below what he requires; ``years``: until
    growth makes one of its customers fall, None where it does not.
    """

    link: int
    velocity: float
    unit_headloss: float
    gain: float
    customers: int
    size: PipeSize
    regained: float
    spare: float
    years: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an engine: instants, customers (N,), their required pressure (N,) [m], a catalogue."""

    engine: Engine
    conditions: tuple[Conditions, ...]
    customers: NDArray[np.intp]
    required: Floats
    catalogue: Catalogue
    assets: Assets

    def lack(self, state: State) -> Floats:
        """Return (N,) shortfall of each node's customers [m]; those cut off lack all they require."""
        pressure = np.where(cut_off(self.engine.network, state.status), 0.0, state.pressure)
        return np.where(self.customers > 0, np.maximum(self.required - pressure, 0.0), 0.0)

    def shortfall(self, states: Sequence[State]) -> float:
        """Return the customers' mean shortfall over instants [m times customers]."""
        return float(np.mean([self.customers @ self.lack(state) for state in states]))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Mains by gain, the greatest first: ``links``, ``gains`` and ``states`` (T each) with their next size laid."""

    links: list[int]
    sizes: list[PipeSize]
    gains: list[float]
    before: list[State]
    after: list[list[State]]


def question(
    engine: Engine,
    conditions: Sequence[Conditions],
    assets: Assets,
    catalogue: Catalogue,
    required: Floats | None = None,
) -> Question:
    """Return the question over instants whose demands, levels and statuses are given."""
    network = engine.network
    customers = np.where(network.node_kind == JUNCTION, assets.customers, 0)
    wanted = assets.required_pressure if required is None else required
    return Question(engine, tuple(conditions), customers, wanted, catalogue, assets)


def rank(asked: Question, top: int) -> Ranked:
    """Return the ``top`` mains whose next size takes away most of the shortfall, the best solved by EPANET itself."""
    engine = asked.engine
    before = engine.solve_many(asked.conditions)
    links, sizes = _replaceable(asked)
    estimate = np.zeros(len(links))
    models = []
    for condition, state in zip(asked.conditions, before, strict=True):
        model = _Instant(asked, condition, state, links, sizes)
        models.append(model)
        estimate += model.by_gradient()
    near = np.argsort(-estimate, kind="stable")[: CLOSER_LOOK * top]
    closer = np.sum([model.one_by_one(near) for model in models], axis=0)
    best = near[np.argsort(-closer, kind="stable")][: top + max(2, round(SPARE * top))]
    exact = [_with_size(engine.network, one, links[place], sizes[place]) for place in best for one in asked.conditions]
    solved = engine.solve_many(exact)
    count = len(asked.conditions)
    after = [solved[place * count : (place + 1) * count] for place in range(len(best))]
    now = asked.shortfall(before)
    gains = np.array([now - asked.shortfall(states) for states in after])
    # Mains that cost nobody anything come last, the hardest worked first.
    worked = np.array([_worked(engine.network, before, links[place]) for place in best])
    order = np.lexsort((-worked, -np.round(gains, 6)))[:top]
    return Ranked(
        links=[links[best[place]] for place in order],
        sizes=[sizes[best[place]] for place in order],
        gains=[float(gains[place]) for place in order],
        before=before,
        after=[after[place] for place in order],
    )


def size_mains(asked: Question, top: int = 20, growth: float | None = None) -> list[Main]:
    """Return the ``top`` mains ranked by what their thinness costs; ``growth``: of all demand a year [-].

    Raises
    ------
    SolveError
        EPANET finds no state.
    """
    ranked = rank(asked, top)
    peak = int(np.argmax([float(one.demand.sum()) for one in asked.conditions]))
    falls = None if growth is None else _years_until(asked, peak, growth)
    spare = _spare(asked, ranked, peak)
    found = []
    for place, link in enumerate(ranked.links):
        state, after = ranked.before[peak], ranked.after[place][peak]
        risen = np.where(asked.customers > 0, after.pressure - state.pressure, 0.0)
        starved = (asked.lack(state) > 0.0) & (risen >= STARVED)
        served = risen >= STARVED
        length = max(float(asked.engine.network.length[link]), 1e-6)
        years = None if falls is None or not served.any() else float(falls[served].min())
        found.append(
            Main(
                link=link,
                velocity=float(state.velocity[link]),
                unit_headloss=abs(float(state.headloss[link])) / length,
                gain=ranked.gains[place],
                customers=int(asked.customers[starved].sum()),
                size=ranked.sizes[place],
                regained=float(np.max(np.where(starved if starved.any() else asked.customers > 0, risen, -np.inf))),
                spare=0.0 if starved.any() else spare[place],
                years=None if years is None or not np.isfinite(years) else int(years),
            )
        )
    return found


class _Instant:
    """One instant's linear model of what wider pipes would do."""

    def __init__(
        self, asked: Question, condition: Conditions, state: State, links: list[int], sizes: list[PipeSize]
    ) -> None:
        network = asked.engine.network
        self._asked, self._state = asked, state
        self._links = np.array(links, dtype=np.intp)
        self._linear = Linearisation(network, state, condition, asked.engine.pressure_demand)
        self._flow = np.abs(state.flow[self._links])
        self._loss = np.abs(state.headloss[self._links])
        diameter = np.where(np.isfinite(condition.diameter), condition.diameter, network.diameter)[self._links]
        roughness = np.where(np.isfinite(condition.roughness), condition.roughness, network.roughness)[self._links]
        minor = np.where(np.isfinite(condition.minor_loss), condition.minor_loss, network.minor_loss)[self._links]
        wide = np.array([size.inner for size in sizes])
        smooth = np.array([size.roughness(network.headloss_formula) for size in sizes])
        local = minor * 8.0 / (GRAVITY * np.pi**2)
        friction = np.maximum(self._loss - local / diameter**4 * self._flow**2, 0.0)
        self._friction = friction * friction_ratio(network, self._flow, (diameter, roughness), (wide, smooth))
        self._local = local / wide**4

    def by_gradient(self) -> Floats:
        """Return (k,) shortfall taken away, to first order and as if no more water flowed: one adjoint solve."""
        customers = self._asked.customers.astype(np.float64)
        weights = np.where(self._asked.lack(self._state) > 0.0, customers, 0.0)
        if not weights.any():
            # Nobody lacks anything: what is left to order by is what each main takes from all customers.
            weights = 1e-9 * customers
        per_metre = self._linear.gradient(weights)[self._links]
        saved = np.maximum(self._loss - self._friction - self._local * self._flow**2, 0.0)
        return np.asarray(-per_metre * np.sign(self._state.headloss[self._links]) * saved)

    def one_by_one(self, chosen: NDArray[np.intp]) -> Floats:
        """Return (c,) shortfall taken away by each of the chosen mains: exact within the linear network."""
        links = self._links[chosen]
        response = self._linear.of_links(links)
        saved = self._saved(chosen, response.slope, self._linear.own_slope(links))
        sign = np.sign(self._state.headloss[links])
        pressure = self._state.pressure[:, None] - response.head * (sign * saved)
        customers = np.flatnonzero(self._asked.customers > 0)
        required = self._asked.required[customers][:, None]
        left = np.maximum(required - pressure[customers], 0.0)
        now = self._asked.lack(self._state)[customers]
        return np.asarray(self._asked.customers[customers] @ (now[:, None] - left))

    def _saved(self, chosen: NDArray[np.intp], seen: Floats, own: Floats) -> Floats:
        """Return (c,) headloss [m] to be taken off each link's line for it to stand for the wider pipe.

        The rest of the network is a line of headloss against flow, of slope ``seen − own``; the wider pipe's curve
        meets it where more water flows.
        """
        flow, loss = self._flow[chosen], self._loss[chosen]
        rest = np.maximum(seen - own, 0.0)
        scale = self._friction[chosen] / np.maximum(flow, 1e-12) ** _EXPONENT
        local = self._local[chosen]
        wide = flow.copy()
        for _ in range(30):
            curve = scale * wide**_EXPONENT + local * wide**2
            slope = _EXPONENT * scale * wide ** (_EXPONENT - 1.0) + 2.0 * local * wide
            wide = np.maximum(wide - (curve - loss + rest * (wide - flow)) / np.maximum(slope + rest, 1e-12), 1e-12)
        curve = scale * wide**_EXPONENT + local * wide**2
        return np.asarray(loss + own * (wide - flow) - curve)


def _replaceable(asked: Question) -> tuple[list[int], list[PipeSize]]:
    """Return the pipes that have a next size, and those."""
    network = asked.engine.network
    links, sizes = [], []
    known: dict[tuple[str, float], PipeSize | None] = {}
    for link in np.flatnonzero(np.isin(network.link_kind, PIPES)).tolist():
        key = (asked.assets.link_material[link], float(network.diameter[link]))
        if key not in known:
            known[key] = asked.catalogue.next_size(*key)
        size = known[key]
        if size is not None:
            links.append(link)
            sizes.append(size)
    return links, sizes


def _with_size(network: Network, condition: Conditions, link: int, size: PipeSize) -> Conditions:
    diameter, roughness = condition.diameter.copy(), condition.roughness.copy()
    diameter[link], roughness[link] = size.inner, size.roughness(network.headloss_formula)
    return replace(condition, diameter=diameter, roughness=roughness)


def _worked(network: Network, states: Sequence[State], link: int) -> float:
    return max(abs(float(state.headloss[link])) for state in states) / max(float(network.length[link]), 1e-6)


def _years_until(asked: Question, peak: int, growth: float) -> Floats:
    """Return (N,) years of growth until each customer has less than he requires at the peak, inf where never."""
    condition = asked.conditions[peak]
    years = np.arange(YEARS + 1)
    grown = [replace(condition, demand=condition.demand * (1.0 + growth) ** year) for year in years.tolist()]
    lacks = np.stack([asked.lack(state) > 0.0 for state in asked.engine.solve_many(grown)])
    return np.where(lacks.any(axis=0), np.argmax(lacks, axis=0).astype(np.float64), np.inf)


def _spare(asked: Question, ranked: Ranked, peak: int, rounds: int = 6) -> list[float]:
    """Return the flow [m³/s] each main can still carry to its lower end.

    Until a customer who has enough now, or the lower end itself, has less than required. From the linear model's answer
    by the rule of false position, each step solved exactly: nobody falls before the flow returned.
    """
    network, condition, state = asked.engine.network, asked.conditions[peak], ranked.before[peak]
    lower = np.where(state.flow[ranked.links] >= 0.0, network.end[ranked.links], network.start[ranked.links])
    well = (asked.customers > 0) & (asked.lack(state) == 0.0)

    def margins(state: State, node: int) -> Floats:
        """Return (N,) pressure above what is required where that counts, inf elsewhere."""
        counts = well.copy()
        counts[node] = True
        return np.where(counts, state.pressure - asked.required, np.inf)

    falls = -Linearisation(network, state, condition, asked.engine.pressure_demand).of_withdrawals(lower)
    before = np.stack([margins(state, int(node)) for node in lower], axis=1)
    high = np.min(np.where(falls > 1e-9, before / np.maximum(falls, 1e-9), np.inf), axis=0)
    # At a source, or where somebody lacks water already, there is nothing to look for.
    sought = np.isfinite(high) & (high > 0.0) & (network.node_kind[lower] == JUNCTION)
    high = np.where(sought, high, 0.0)
    low, at_low = np.zeros(len(lower)), before.min(axis=0)
    for _ in range(rounds if sought.any() else 0):
        drawn = [_drawing(condition, int(node), float(flow)) for node, flow in zip(lower, high, strict=True)]
        solved = asked.engine.solve_many(drawn)
        at_high = np.array([margins(one, int(node)).min() for one, node in zip(solved, lower, strict=True)])
        holds = at_high >= 0.0
        low, at_low = np.where(holds, high, low), np.where(holds, at_high, at_low)
        step = at_low / np.maximum(at_low - at_high, 1e-9)
        high = np.where(holds, high * 1.5, low + (high - low) * np.clip(step, 0.05, 0.95))
    return [float(flow) for flow in np.where(sought, low, 0.0)]


def _drawing(condition: Conditions, node: int, flow: float) -> Conditions:
    demand = condition.demand.copy()
    demand[node] += flow
    return replace(condition, demand=demand)
