"""The truth: the plant's network run through EPANET, with true demands set at every step and faults as they happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from epanet import toolkit as en

from models.problem import BadInput, Problem
from simulator.condition import ChangedDemand, Condition, condition_at
from simulator.demand import TrueDemand, Uncertainty, zone_numbers
from simulator.events import Event
from simulator.plant_files import TruePlant
from simulator.problem import NotSolvable
from simulator.project import Laid, Project
from simulator.snapshot import Elements, Snapshot, held_until

LONGEST_STEP_S = 300
"""Steps are combined up to this length where the plant has to hurry [s]."""

VACUUM_M = 10.33
"""Pressure of the atmosphere [m of water]: no pressure is lower than its negative."""

_LEAST_EMITTER = 1e-6
"""EPANET divides by the square of an emitter's coefficient: what is smaller than this lets nothing out."""

_SHUT = 1e12
"""Minor loss that stands for a closure where EPANET allows no status (check valves)."""


@dataclass(frozen=True, slots=True)
class _Fitting:
    """What a link was last told to be."""

    laid: Laid
    is_open: bool | None = None


class Truth:
    """The running plant. One thread at a time; :meth:`close` when done."""

    def __init__(
        self,
        network: Path,
        plant: TruePlant,
        start: datetime,
        time_zone: str = "UTC",
        zones: Mapping[str, str] | None = None,
        seed: int | None = None,
        certain: bool = False,
    ) -> None:
        """Open ``network`` and run it from its time 0 to ``start``.

        ``seed`` replaces the one in the plant's files; with ``certain`` demands are as expected, without noise or walk.

        Raises
        ------
        BadInput
            The network does not load, or ``plant`` names what it does not have.
        NotSolvable
            It does not solve.
        """
        self._project = Project(network)
        try:
            self._prepare(plant, time_zone, start, zones or {}, plant.seed if seed is None else seed, certain)
            self._project.begin()
            self._solve(self._zero, Condition())
            self.advance(start)
        except BaseException:
            self._project.close()
            raise

    def _prepare(
        self, plant: TruePlant, time_zone: str, start: datetime, zones: Mapping[str, str], seed: int, certain: bool
    ) -> None:
        project = self._project
        problems = _unknown(plant, project.elements)
        if problems:
            raise BadInput(problems)
        self._zero = plant.network_start or network_start(start, time_zone, project.time_parameter(en.STARTTIME))
        if self._zero > start:
            text = f"network_start {self._zero.isoformat()} is after the start {start.isoformat()}"
            raise BadInput.of(text, "plant/truth.toml")
        demand = _true_demand(plant, project, zones, seed)
        self._demand = demand.expected() if certain else demand
        self._drawing = sorted(set(demand.nodes[demand.bases != 0].tolist()))
        project.take_over_demands()
        if plant.pressure_demand is not None:
            rule = plant.pressure_demand
            project.set_pressure_demand(rule.required_m, rule.minimum_m, rule.exponent)
        project.prepare_emitters()
        project.own_pump_curves()
        for link, roughness in plant.roughness.items():
            index = self.elements.links[link]
            project.set_laid(index, replace(project.laid(index), roughness=roughness))
        for link, factor in plant.pump_head.items():
            project.set_pump_head(link, factor)
        self._plant_head = plant.pump_head
        self._own = [project.laid(link) for link in range(len(self.elements.link_ids))]
        self._fittings: dict[str, _Fitting] = {}
        self._emitters: dict[str, float] = {}
        self._own_emitters: dict[str, float] = {}
        self._heads: dict[str, float] = {}
        self._snapshot = _nothing_yet(self._zero, len(self.elements.node_ids), len(self.elements.link_ids))

    @property
    def elements(self) -> Elements:
        """The network's nodes and links."""
        return self._project.elements

    @property
    def snapshot(self) -> Snapshot:
        """The truth at the last step."""
        return self._snapshot

    def close(self) -> None:
        """Close the network."""
        self._project.close()

    def advance(self, to: datetime, events: Sequence[Event] = (), longest_s: int = LONGEST_STEP_S) -> Snapshot:
        """Run on to ``to`` in steps of at most ``longest_s`` [s]; tanks and controls make shorter ones as in EPANET.

        Each solve sees the events that hold at its own instant.

        Raises
        ------
        NotSolvable
            EPANET does not find a solution.
        """
        while (ahead := round((to - self._snapshot.time).total_seconds())) > 0:
            step = self._project.step(min(ahead, longest_s))
            if step <= 0:
                raise NotSolvable(f"the network does not run past {self._snapshot.time.isoformat()}")
            time = self._snapshot.time + timedelta(seconds=step)
            self._snapshot = held_until(self._snapshot, self.elements, time)
            self._solve(time, condition_at(events, time))
        return self._snapshot

    def solve_again(self, events: Sequence[Event]) -> Snapshot:
        """Return what would be true at this very instant, with these tank levels, under other ``events``.

        The next :meth:`advance` needs a solve of what really is: call this with the real events last.
        """
        return self._solve(self._snapshot.time, condition_at(events, self._snapshot.time))

    def _solve(self, time: datetime, condition: Condition) -> Snapshot:
        self._apply(condition)
        elapsed = round((time - self._zero).total_seconds())
        changes = {self.elements.nodes[node]: change for node, change in condition.demand.items()}
        self._set_demands(elapsed, time, changes)
        self._project.solve()
        units = self._project.units
        head = self._project.node_values(en.HEAD) * units.length
        if not np.isfinite(head).all():
            node = self.elements.node_ids[int(np.argmin(np.isfinite(head)))]
            raise NotSolvable(f"the network does not solve: node {node} has no head at {time.isoformat()}")
        # No gauge falls below a vacuum; in a part that is cut off EPANET says less.
        floor = np.where(self.elements.is_junction, self.elements.elevation - VACUUM_M, -np.inf)
        self._snapshot = Snapshot(
            time=time,
            head=np.maximum(head, floor),
            outflow=self._project.node_values(en.DEMAND) * units.flow,
            delivered=self._project.node_values(en.DEMANDFLOW) * units.flow,
            flow=self._project.link_values(en.FLOW) * units.flow,
            status=(self._project.link_values(en.STATUS) > 0).astype(np.float64),
            setting=self._project.settings(),
            passed=self._snapshot.passed,
            given=self._snapshot.given,
        )
        return self._snapshot

    def _set_demands(self, elapsed: int, time: datetime, changes: Mapping[int, ChangedDemand]) -> None:
        new = [node for node in changes if node not in self._drawing]
        self._drawing += new
        demand = self._demand.at(elapsed, time, changes)
        self._project.set_demands(self._drawing, demand[self._drawing])

    def _apply(self, condition: Condition) -> None:
        """Tell EPANET what has changed since the last solve."""
        touched = condition.minor_loss.keys() | condition.is_open.keys() | condition.laid.keys()
        for link in sorted(touched | self._fittings.keys()):
            self._fit(link, condition)
        for node in sorted(condition.emitter.keys() | self._emitters.keys()):
            self._let_out(node, condition.emitter.get(node, 0.0))
        for link in sorted(condition.pump_head.keys() | self._heads.keys()):
            self._lift(link, condition.pump_head.get(link, 1.0))

    def _fit(self, link: str, condition: Condition) -> None:
        index = self.elements.links[link]
        own = self._own[index]
        laid = own
        if (new := condition.laid.get(link)) is not None:
            laid = Laid(
                own.diameter_mm if new.diameter_mm is None else new.diameter_mm,
                own.roughness if new.roughness is None else new.roughness,
                own.minor_loss if new.minor_loss is None else new.minor_loss,
            )
        laid = replace(laid, minor_loss=laid.minor_loss + condition.minor_loss.get(link, 0.0))
        is_open = condition.is_open.get(link)
        if not self._project.can_close(index):
            laid = replace(laid, minor_loss=_SHUT) if is_open is False else laid
            is_open = None
        before = self._fittings.get(link, _Fitting(own))
        if laid != before.laid:
            self._project.set_laid(index, laid)
        # Rules may have moved it since, and while a person holds it they must not.
        if is_open is not before.is_open or (is_open is not None and self._project.is_open(index) is not is_open):
            self._project.set_open(index, is_open)
        self._fittings[link] = _Fitting(laid, is_open)
        if self._fittings[link] == _Fitting(own):
            del self._fittings[link]

    def _let_out(self, node: str, coefficient: float) -> None:
        coefficient = 0.0 if coefficient < _LEAST_EMITTER else coefficient
        if self._emitters.get(node, 0.0) == coefficient:
            return
        index = self.elements.nodes[node]
        own = self._own_emitters.setdefault(node, self._project.emitter(index))
        self._project.set_emitter(index, own + coefficient)
        self._emitters[node] = coefficient

    def _lift(self, link: str, factor: float) -> None:
        if self._heads.get(link, 1.0) != factor:
            self._project.set_pump_head(link, factor * self._plant_head.get(link, 1.0))
            self._heads[link] = factor


def _nothing_yet(time: datetime, nodes: int, links: int) -> Snapshot:
    at_nodes, at_links = np.zeros(nodes), np.zeros(links)
    volumes = np.zeros((2, links)), np.zeros((2, nodes))
    return Snapshot(time, at_nodes, at_nodes, at_nodes, at_links, at_links, at_links, *volumes)


def network_start(start: datetime, time_zone: str, clock_time_s: int) -> datetime:
    """Return the latest instant not after ``start`` at which the local clock shows the network's START CLOCKTIME."""
    local = start.astimezone(ZoneInfo(time_zone))
    shown = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=clock_time_s)
    if shown > local:
        shown -= timedelta(days=1)
    return shown.astimezone(UTC)


def _true_demand(plant: TruePlant, project: Project, zones: Mapping[str, str], seed: int) -> TrueDemand:
    nodes, bases, patterns, factors, multiplier = project.demands()
    elements = project.elements
    return TrueDemand(
        nodes=np.array(nodes, dtype=np.int64),
        bases=np.array(bases) * multiplier,
        patterns=np.array(patterns, dtype=np.int64),
        factors=tuple(np.array(row) for row in factors),
        pattern_start_s=project.time_parameter(en.PATTERNSTART),
        pattern_step_s=project.time_parameter(en.PATTERNSTEP),
        true_factor=np.array([plant.demand_factor.get(node, 1.0) for node in elements.node_ids]),
        zones=zone_numbers(elements, zones),
        seed=seed,
        uncertainty=Uncertainty(plant.demand_noise_cv, plant.zone_walk_cv, plant.zone_walk_h * 3600.0),
    )


def _unknown(plant: TruePlant, elements: Elements) -> list[Problem]:
    problems = [
        Problem(f"node {node}: not in the network", "plant/demands.csv")
        for node in plant.demand_factor
        if node not in elements.nodes
    ]
    problems += [
        Problem(f"link {link}: no pipe of that id in the network", "plant/roughness.csv")
        for link in plant.roughness
        if link not in elements.links or not elements.is_pipe[elements.links[link]]
    ]
    problems += [
        Problem(f"[pumps] {link}: no pump of that id with a head curve in the network", "plant/truth.toml")
        for link in plant.pump_head
        if link not in elements.links or not elements.has_head_curve[elements.links[link]]
    ]
    return problems
