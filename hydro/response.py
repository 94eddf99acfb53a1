"""The response: how a window's readings move as one fault of a hypothesis grows, the others as they are.

EPANET solves few instants at few severities: one for each of the ways in which the network works. What the linear model
says of every step bears that step's own demand and the severity's own amplitude; what it leaves out is a part of that,
much the same for steps in which the network works alike.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hydro.evidence import Evidence
from hydro.hypothesis import Fault, Hypothesis
from hydro.readings import Floats
from hydro.resolve import Case, departed, faulted, misreading
from hydro.snapshot import Snapshot

MOST_SCALED = 2.0
"""By how much what is left out of one step is scaled at most for another one."""
SLACK = 1.0
"""How far a severity known already may move while another fault is looked for: deviation of its logarithm [-]."""
STEP = 0.2
"""A step in the logarithm of a severity over which readings move in proportion [-]."""


class Response:
    """Moves (T, S) of the observed values from where ``base`` has them, the evidence under the ``standing`` faults."""

    def __init__(
        self,
        case: Case,
        base: Evidence,
        standing: Hypothesis,
        hypothesis: Hypothesis,
        place: int,
        alike: NDArray[np.intp] | None = None,
    ) -> None:
        """``alike``: (T,) which steps one solve serves, those of the case by default."""
        self._case, self._base, self._standing = case, base, standing
        self._fault = hypothesis[place]
        self._others = (*hypothesis[:place], *hypothesis[place + 1 :])
        breaks = [fault.onset for fault in (*standing, *self._others)]
        self._solved, self._served = _instants(case.few if alike is None else alike, breaks)
        self._stands = standing == hypothesis
        self._direction = np.stack([_direction(self._fault, one) for one in base.snapshots])
        self._departed = {step: departed(case, base.place, step) for step in self._solved.tolist()}
        self._left_out: dict[float, Floats] = {}
        self._sizes: dict[float, Floats] = {}

    @cached_property
    def _misread(self) -> Floats:
        """Return (T, S) what faulty instruments add [m, m³/s]."""
        steps = enumerate(self._base.snapshots)
        return np.stack([misreading(self._others, one, t) - misreading(self._standing, one, t) for t, one in steps])

    @cached_property
    def _beside(self) -> Floats:
        """Return (T, S) what the other faults move in the linear model [m, m³/s]."""
        steps = enumerate(self._base.snapshots)
        return np.stack([_linear(self._others, one, t) - _linear(self._standing, one, t) for t, one in steps])

    @cached_property
    def off(self) -> Floats:
        """Return (T, S) the moves without the fault."""
        if _hydraulic(self._others) == _hydraulic(self._standing):
            return self._misread
        left_out = self._exact(self._others, self._solved) - self._beside[self._solved]
        return np.asarray(self._beside + self._misread + left_out[self._served])

    def on(self, severity: float, lower: float, upper: float) -> Floats:
        """Return (T, S) the moves with the fault there all the time.

        ``lower``, ``upper``: severities around it at which EPANET solves.
        """
        moved = self._moved(severity, lower, upper)
        return moved - self._as_it_stands if self._fault.kind.hydraulic and self._stands else moved

    @cached_property
    def calm(self) -> Floats:
        """Return (T, S) the moves at which the noise of ``base`` is right: as the fault stands, or without it."""
        return np.zeros_like(self.off) if self._stands else self.off

    @cached_property
    def _as_it_stands(self) -> Floats:
        """Return (T, S) what the linear model makes of a fault that stands and moves nothing where it has begun."""
        severity = self._fault.severity
        begun = np.arange(len(self._direction))[:, None] >= self._fault.onset
        return np.where(begun, self._moved(severity, severity, severity), 0.0)

    def _moved(self, severity: float, lower: float, upper: float) -> Floats:
        linear = self._direction * self._amplitudes(severity)[:, None]
        if not self._fault.kind.hydraulic:
            return np.asarray(self.off + linear)
        if self._stands and self._fault.kind.proportional:
            lower = upper = self._fault.severity
        near = self._correction(lower)
        if upper != lower:
            part = (severity - lower) / (upper - lower)
            if lower > 0.0:
                part = np.log(severity / lower) / np.log(upper / lower)
            near = (1.0 - part) * near + part * self._correction(upper)
        return np.asarray(self._beside + self._misread + linear + near)

    def growth(self, by: float) -> Floats:
        """Return (T, S) the moves, from its onset on, as the fault that stands already grows by a factor exp(``by``).

        As it stands EPANET has solved every step of ``base``: only the larger fault is solved, unless it moves all in
        proportion.
        """
        fault = self._fault
        larger = replace(fault, severity=fault.severity * float(np.exp(by)))
        begun = np.arange(len(self._direction)) >= fault.onset
        size = np.where(begun, self._amplitudes(larger.severity) - self._amplitudes(fault.severity), 0.0)
        moved = self._direction * size[:, None]
        if not fault.kind.hydraulic or fault.kind.proportional:
            return np.asarray(moved)
        since = np.flatnonzero(begun)
        solved = np.unique(self._served[since])
        left_out = np.zeros((len(self._solved), moved.shape[1]))
        left_out[solved] = self._exact((*self._others, larger), self._solved[solved]) - moved[self._solved[solved]]
        moved[since] += left_out[self._served[since]] * self._scale(size)[since]
        return np.asarray(moved)

    def _amplitudes(self, severity: float) -> Floats:
        """Return (T,) the fault's amplitude in every step."""
        if severity not in self._sizes:
            candidate, wanted = [self._fault.candidate], np.array([severity])
            sizes = [self._fault.kind.amplitudes(one, candidate, wanted)[0, 0] for one in self._base.snapshots]
            self._sizes[severity] = np.array(sizes, dtype=float) / self._swollen
        return self._sizes[severity]

    @cached_property
    def _swollen(self) -> Floats:
        """Return (T,) by what factor amplitudes are larger in the snapshots of ``base`` because the fault stands."""
        fault, begun = self._fault, np.arange(len(self._direction)) >= self._fault.onset
        swollen = fault.kind.swollen(fault.candidate, fault.severity, self._case.engine.network)
        return np.where(begun & self._stands, swollen, 1.0)

    def _correction(self, severity: float) -> Floats:
        """Return (T, S) what the linear model leaves out at a severity that EPANET solves."""
        if severity not in self._left_out:
            fault = Fault(self._fault.candidate, severity, 0)
            sizes = self._amplitudes(severity)
            linear = self._beside + self._direction * sizes[:, None]
            exact = self._exact((*self._others, fault), self._solved)
            self._left_out[severity] = (exact - linear[self._solved])[self._served] * self._scale(sizes)
        return self._left_out[severity]

    def _scale(self, sizes: Floats) -> Floats:
        """Return (T, 1) how much larger the fault is in a step than in the one that is solved for it."""
        there = sizes[self._solved][self._served]
        ratio = np.divide(sizes, there, out=np.ones_like(sizes), where=there * sizes > 0.0)
        return np.clip(ratio, 1.0 / MOST_SCALED, MOST_SCALED)[:, None]

    def _exact(self, hypothesis: Hypothesis, steps: NDArray[np.intp]) -> Floats:
        """Return (K, S) the moves in the ``steps`` (K,), which EPANET solves."""
        case, base = self._case, self._base
        conditions = [faulted(case, self._departed[step], hypothesis, step) for step in steps.tolist()]
        states = case.engine.solve_many(conditions)
        values = np.stack([case.window.observables.values(state, case.engine.network) for state in states])
        return np.asarray(values - np.stack([base.snapshots[step].value for step in steps.tolist()]))


def slack(case: Case, base: Evidence, hypothesis: Hypothesis) -> Floats:
    """Return (T, S, K) what the observed values move when the severity of each of K faults grows by ``SLACK``.

    ``base``: the evidence under the hypothesis.
    """
    columns = [Response(case, base, hypothesis, hypothesis, place).growth(STEP) for place in range(len(hypothesis))]
    return np.stack(columns, axis=2) * (SLACK / STEP) if columns else np.zeros((*base.residual.shape, 0))


def _instants(alike: NDArray[np.intp], breaks: list[int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (K,) steps to solve and (T,) the place among them of the one that serves a step: never across a break."""
    phase = np.searchsorted(np.sort(np.unique(breaks)), np.arange(len(alike)), side="right")
    _, served = np.unique(np.stack([alike, phase]), axis=1, return_inverse=True)
    served = np.asarray(served, dtype=np.intp).reshape(-1)
    members = [np.flatnonzero(served == place) for place in range(int(served.max()) + 1)]
    return np.array([one[len(one) // 2] for one in members], dtype=np.intp), served


def _hydraulic(hypothesis: Hypothesis) -> set[Fault]:
    return {fault for fault in hypothesis if fault.kind.hydraulic}


def _direction(fault: Fault, snapshot: Snapshot) -> Floats:
    return np.asarray(fault.kind.directions(snapshot, [fault.candidate])[:, 0])


def _linear(hypothesis: Hypothesis, snapshot: Snapshot, step: int) -> Floats:
    """Return (S,) what hydraulic faults move in a step as the linear model has it."""
    moved = np.zeros(len(snapshot.value))
    for fault in hypothesis:
        if fault.kind.hydraulic and step >= fault.onset:
            size = float(fault.kind.amplitudes(snapshot, [fault.candidate], np.array([fault.severity]))[0, 0])
            moved += size * _direction(fault, snapshot)
    return moved
