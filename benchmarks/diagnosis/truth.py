"""The truth of a case: what customers really draw, how the network departs from its file, and how both then run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.diagnosis.elements import Floats, State
from benchmarks.diagnosis.faults import KINDS, Ground, Target
from benchmarks.diagnosis.layout import Layout, lay_out
from benchmarks.diagnosis.networks import Network
from benchmarks.diagnosis.project import STEP_S, Project

DAY_S = 86400
BASELINE_DAYS = 7
ZONE_CV, NODE_CV, NOISE_CV = 0.10, 0.15, 0.10
ROUGHNESS_CV, PUMP_CV, DATUM_M, CLOCK_S = 0.10, 0.03, 0.3, 120.0


@dataclass(frozen=True, slots=True)
class Departure:
    """How the truth departs from the file: factors on roughness and pump heads (L,)."""

    roughness: Floats
    pump_head: Floats


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in the pipes: since ``onset`` [s of network time], as severe as its kind counts it."""

    kind: str
    target: Target
    severity: float
    onset: int

    def impose(self, project: Project) -> None:
        """Set it."""
        KINDS[self.kind].impose(project, self.target, self.severity)

    def lift(self, project: Project) -> None:
        """Take it away."""
        KINDS[self.kind].impose(project, self.target, 0.0)


@dataclass(frozen=True, slots=True)
class Truth:
    """A network with its true demands over whole days; the window is the last of them.

    ``demand``: (N, T) [m³/s]; ``patterns``: (P + 1, T) of the file; ``departure`` is None where the file is right.
    """

    network: Network
    demand: Floats
    patterns: Floats
    departure: Departure | None
    ground: Ground
    window_start: int

    def open(self) -> Project:
        """Return the project of the true network, without any fault."""
        project = Project(self.network.inp)
        if self.departure is not None:
            project.age(self.departure.roughness, self.departure.pump_head)
        project.take_over(self.demand, self.patterns, held=self.network.held)
        return project

    def run(self, faults: Sequence[Fault], since: int) -> list[State]:
        """Return every state from ``since`` [s] to the end of the window."""
        project = self.open()
        try:
            events = [(fault.onset, fault.impose) for fault in faults]
            end = self.window_start + DAY_S
            return [state for state in project.states(end, events) if state.time >= since]
        finally:
            project.close()


def draw_truth(network: Network, departed: bool, place: np.random.Generator, rng: np.random.Generator) -> Truth:
    """Draw a truth: ``place`` lays points and zones out, ``rng`` draws the rest."""
    project = Project(network.inp)
    try:
        elements = project.elements
        weekly = _differs_by_day(project)
        first = (BASELINE_DAYS if departed else 1) + (int(rng.integers(0, 7)) if weekly else 0)
        # A step beyond the last one: a device whose clock is late reads after the window's end.
        times = np.arange(0, (first + 1) * DAY_S + 2 * STEP_S, STEP_S)
        patterns = project.patterns(times)
        modelled = project.demands(patterns)
        layout = lay_out(elements, place)
        demand = _drawn(modelled, layout, rng)
        links = len(elements.link_ids)
        departure = None
        if departed:
            departure = Departure(
                np.clip(rng.normal(1.0, ROUGHNESS_CV, links), 0.5, 1.5), rng.normal(1.0, PUMP_CV, links)
            )
        window = demand[:, -2 - DAY_S // STEP_S : -2]
        ground = Ground(elements, layout, window.mean(axis=1), project.roughness, project.closed)
        return Truth(network, demand, patterns, departure, ground, first * DAY_S)
    finally:
        project.close()


def _drawn(modelled: Floats, layout: Layout, rng: np.random.Generator) -> Floats:
    """Return (N, T) true demands: base × pattern × zone × node × noise in time; what flows in stays as it is."""
    nodes, _ = modelled.shape
    zone = rng.normal(1.0, ZONE_CV, int(layout.zone.max()) + 1)
    factor = zone[layout.zone][:, np.newaxis] * _lognormal(rng, NODE_CV, (nodes, 1))
    return np.where(modelled > 0.0, modelled * factor * _lognormal(rng, NOISE_CV, modelled.shape), modelled)


def _lognormal(rng: np.random.Generator, cv: float, shape: tuple[int, ...]) -> Floats:
    """Return log-normal factors of mean 1."""
    sigma = np.sqrt(np.log1p(cv**2))
    return rng.lognormal(-(sigma**2) / 2, sigma, shape)


def _differs_by_day(project: Project) -> bool:
    day = np.arange(0, DAY_S, STEP_S)
    monday, tuesday = project.demands(project.patterns(day)), project.demands(project.patterns(day + DAY_S))
    return bool(np.max(np.abs(monday - tuesday)) > 1e-9)
