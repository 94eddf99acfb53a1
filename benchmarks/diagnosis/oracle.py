"""The oracle: which pipe is blocked, by solving every pipe at every severity in EPANET, coarse to fine.

It is told that one pipe is blocked, knows how the generator draws demands, and relinearises them for each hypothesis
that is left. What it cannot find, the readings do not hold. Cases of the plain half only.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import interp1d
from scipy.special import logsumexp

from benchmarks.diagnosis.case import make, truth_of
from benchmarks.diagnosis.elements import Floats, State
from benchmarks.diagnosis.evidence import Prior, Spread, onsets
from benchmarks.diagnosis.layout import cells
from benchmarks.diagnosis.project import LAST_FLOWS, STEP_S, Project, Unsolvable
from benchmarks.diagnosis.readings import FLOW_NOISE, PRESSURE_NOISE_M
from benchmarks.diagnosis.run import Task
from benchmarks.diagnosis.truth import NODE_CV, NOISE_CV, ZONE_CV

HOUR_S = 3600
READINGS_AN_HOUR = HOUR_S // STEP_S
COARSE_LOSSES = np.geomspace(1e2, 1e8, 7)
COARSE_HOURS = 5
COARSE_NOISE, FINE_NOISE = 10.0, 3.0
"""A grid of severities is no nearer to the truth than this many times the noise."""
KEPT, FINAL = 40, 6
FINER = np.geomspace(1.0 / 30.0, 30.0, 11)
MOST_CELLS = 64
ITERATIONS = 3
SLOPE_EVERY_H = 4
FACTOR_LIMITS = (-0.6, 1.5)
_MORE_DEMAND, _MORE_LEVEL_M, _MORE_LOSS = 0.05, 0.1, 1.05
BARE_SOLVES = 12
_NEXT_TO_NOTHING = 1e-8
_LEAST_FLOW_L_S = 0.01


@dataclass(frozen=True, slots=True)
class Asked:
    """A case as the oracle reads it: H hours in which nothing was switched.

    ``value``, ``noise``: (H, S) hourly means; ``hours``: states that carry the measured boundaries.
    """

    hours: list[State]
    signals: list[tuple[str, int]]
    value: Floats
    noise: Floats


@dataclass(frozen=True, slots=True)
class Found:
    """Pipes by how well their blockage explains the readings, the likeliest first, and the solves it took."""

    links: tuple[str, ...]
    log_likelihood: tuple[float, ...]
    solves: int


class Oracle:
    """A case's network with measured boundaries; :meth:`close` when done."""

    def __init__(self, folder: Path) -> None:
        truth = truth_of(folder)
        self.project = Project(Path(truth["network_file"]))
        self.project.forget_controls()
        self.solves = 0
        zero = datetime.fromisoformat(truth["start"])
        begun, ended = ((datetime.fromisoformat(one) - zero).total_seconds() for one in truth["window"])
        times = np.arange(0, int(ended) + 2 * STEP_S, STEP_S)
        patterns = self.project.patterns(times)
        self.demand = self.project.demands(patterns)
        self.project.take_over(self.demand, patterns, held=False)
        self.asked = _read(folder, self.project, int(begun))
        elements = self.project.elements
        zone = _zones(folder / "zones.csv", elements.node_ids)
        self.cells = cells(elements, self.demand.mean(axis=1) > 0.0, zone, MOST_CELLS)
        self._members = [np.flatnonzero(self.cells == cell).tolist() for cell in range(int(self.cells.max()) + 1)]
        self.prior = self._prior(zone)
        self._stood = list(self.asked.hours)
        self._is_flow = np.array([quantity == "flow" for quantity, _ in self.asked.signals])
        self._node = np.array([node for _, node in self.asked.signals])
        self._elevation = elements.elevation[self._node]

    def close(self) -> None:
        """Close the project."""
        self.project.close()

    def search(self) -> Found:
        """Rank every pipe."""
        elements, asked = self.project.elements, self.asked
        every = list(range(len(asked.hours)))
        healthy = self._values(every)
        spread = Spread(self._slopes(every, healthy), asked.noise, self.prior)
        few = sorted({round(place) for place in np.linspace(0, len(asked.hours) - 1, COARSE_HOURS)})
        rough = Spread(spread.slope[few], COARSE_NOISE * asked.noise[few], self.prior)
        less_rough = Spread(spread.slope, FINE_NOISE * asked.noise, self.prior)
        fixed = self.project.closed | set(elements.guided.tolist())
        pipes = [int(link) for link in elements.pipes if int(link) not in fixed]
        coarse = {link: self._scan(link, COARSE_LOSSES, few, healthy[few], rough) for link in pipes}
        leading = sorted(pipes, key=lambda link: -coarse[link][0])[:KEPT]
        fine = {link: self._scan(link, coarse[link][1] * FINER, every, healthy, less_rough) for link in leading}
        leading.sort(key=lambda link: -fine[link][0])
        exact = {link: self._relinearised(link, fine[link][1], healthy, spread) for link in leading[:FINAL]}
        final = sorted(exact, key=lambda link: -exact[link])
        return Found(
            tuple(elements.link_ids[link] for link in final), tuple(exact[link] for link in final), self.solves
        )

    def bare_solve_s(self) -> float:
        """Return the seconds of one solve from fresh flows, everything set: the least of a few, as others run too."""
        timed = []
        for state in self.asked.hours[:BARE_SOLVES]:
            self.project.stand(state)
            begun = time.perf_counter()
            self.project.solved()
            timed.append(time.perf_counter() - begun)
        return min(timed)

    def _scan(
        self, link: int, losses: Floats, hours: Sequence[int], healthy: Floats, spread: Spread
    ) -> tuple[float, float]:
        """Return the log-likelihood of a blocked pipe, severity and onset summed out, and the likeliest severity."""
        value = self.asked.value[list(hours)]
        share = onsets(len(hours), READINGS_AN_HOUR)
        try:
            shown = np.stack([self._blocked(link, loss, hours) for loss in losses.tolist()])
        except Unsolvable:
            return -np.inf, float(losses[0])
        bends = np.gradient(shown, np.log(losses), axis=0)
        fits = [spread.fit(value - healthy, value - one, bend, share) for one, bend in zip(shown, bends, strict=True)]
        likely = [float(logsumexp(fit.log_likelihood)) for fit in fits]
        place = int(np.argmax(likely))
        step = fits[place].step[int(np.argmax(fits[place].log_likelihood))]
        return float(logsumexp(likely)), float(losses[place] * np.exp(np.clip(step, -1.0, 1.0)))

    def _relinearised(self, link: int, loss: float, healthy: Floats, spread: Spread) -> float:
        """Return the log-likelihood of a blocked pipe with demands and severity estimated beside one another."""
        every = list(range(len(self.asked.hours)))
        value = self.asked.value
        share = onsets(len(every), READINGS_AN_HOUR)
        around, base, shift = spread, healthy, np.zeros((len(every), len(self.prior.hourly)))
        best = -np.inf
        try:
            for last in range(ITERATIONS):
                fault = self._blocked(link, loss, every)
                bend = (self._blocked(link, loss * _MORE_LOSS, every) - fault) / np.log(_MORE_LOSS)
                drift = np.einsum("hsm,hm->hs", around.slope, shift)
                fit = around.fit(value - base + drift, value - fault + drift, bend, share)
                best = float(logsumexp(fit.log_likelihood))
                if last == ITERATIONS - 1:
                    break
                onset = int(np.argmax(fit.log_likelihood))
                since = share[onset][:, np.newaxis]
                step = float(np.clip(fit.step[onset], -1.5, 1.5))
                residual = value - (1.0 - since) * base - since * (fault + step * bend) + drift
                shift = np.clip(around.unknowns(residual), *FACTOR_LIMITS)
                loss = float(np.clip(loss * np.exp(step), 1e-1, 1e11))
                self._draw(shift)
                base = self._values(every)
                ill = self._blocked(link, loss, every, self._slopes_anew)
                slope = (1.0 - since[:, :, np.newaxis]) * self._slopes(every, base) + since[:, :, np.newaxis] * ill
                around = Spread(slope, self.asked.noise, self.prior)
        except Unsolvable:
            return best
        finally:
            self._draw(np.zeros_like(shift))
        return best

    def _blocked(
        self, link: int, loss: float, hours: Sequence[int], what: Callable[[Sequence[int]], Floats] | None = None
    ) -> Floats:
        self.project.add_minor_loss(link, loss)
        try:
            return (what or self._values)(hours)
        finally:
            self.project.add_minor_loss(link, 0.0)

    def _values(self, hours: Sequence[int]) -> Floats:
        """Return (H, S) what the signals read in these hours."""
        rows = []
        for hour in hours:
            self.project.stand(self._stood[hour])
            rows.append(self._solved())
        return np.stack(rows)

    def _slopes_anew(self, hours: Sequence[int]) -> Floats:
        return self._slopes(hours, self._values(hours))

    def _slopes(self, hours: Sequence[int], base: Floats) -> Floats:
        """Return (H, S, M) what each unknown does to the signals, by solving with a little more of it."""
        project, tanks = self.project, self.project.elements.tanks
        rows = sorted({*range(0, len(hours), SLOPE_EVERY_H), len(hours) - 1})
        slopes = np.zeros((len(rows), base.shape[1], len(self.prior.hourly)))
        for place, row in enumerate(rows):
            stood = self._stood[hours[row]]
            project.stand(stood)
            for cell, nodes in enumerate(self._members):
                project.grow_demand(nodes, _MORE_DEMAND)
                slopes[place, :, cell] = (self._solved() - base[row]) / _MORE_DEMAND
                project.grow_demand(nodes, 0.0)
            for column, tank in enumerate(tanks, len(self._members)):
                head = stood.head.copy()
                head[tank] += _MORE_LEVEL_M
                project.stand(replace(stood, head=head))
                slopes[place, :, column] = (self._solved() - base[row]) / _MORE_LEVEL_M
        # Between hours that were looked at, a slope runs straight.
        return np.asarray(interp1d(rows, slopes, axis=0)(np.arange(len(hours))))

    def _solved(self) -> Floats:
        self.solves += 1
        try:
            state = self.project.solved(LAST_FLOWS)
        except Unsolvable:
            self.solves += 1
            state = self.project.solved()
        signals = np.where(self._is_flow, -1e3 * state.outflow[self._node], state.head[self._node] - self._elevation)
        return np.asarray(signals)

    def _draw(self, shift: Floats) -> None:
        """Let the unknowns depart by ``shift`` (H, M): the cells' demands from the file's, levels from their gauges."""
        demand = self.demand.copy()
        drawing, cells = self.cells >= 0, len(self._members)
        for place, (state, one) in enumerate(zip(self.asked.hours, shift, strict=True)):
            demand[drawing, state.time // STEP_S] *= 1.0 + one[self.cells[drawing]]
            head = state.head.copy()
            head[self.project.elements.tanks] += one[cells:]
            self._stood[place] = replace(state, head=head)
        self.project.redraw(demand)

    def _prior(self, zone: Floats) -> Prior:
        mean = self.demand.mean(axis=1)
        own = np.array([(mean[nodes] ** 2).sum() / mean[nodes].sum() ** 2 for nodes in self._members])
        at = np.array([zone[nodes[0]] for nodes in self._members])
        cells, tanks = len(own), len(self.project.elements.tanks)
        persistent = np.diag(np.full(cells + tanks, _NEXT_TO_NOTHING))
        persistent[:cells, :cells] = ZONE_CV**2 * (at[:, np.newaxis] == at[np.newaxis, :]) + np.diag(NODE_CV**2 * own)
        levels = np.full(tanks, PRESSURE_NOISE_M**2 / READINGS_AN_HOUR)
        return Prior(persistent, np.concatenate([NOISE_CV**2 / READINGS_AN_HOUR * own, levels]))


def _read(folder: Path, project: Project, begun: int) -> Asked:
    """Return a case's readings as hourly means, without hours in which something is switched."""
    elements = project.elements
    node = {name: index for index, name in enumerate(elements.node_ids)}
    place = {elements.link_ids[link]: index for index, link in enumerate(elements.guided)}
    series: dict[tuple[str, str], list[float]] = {}
    with (folder / "readings.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            single = float(row["value"] == "open") if row["quantity"] == "status" else float(row["value"])
            series.setdefault((row["quantity"], row["element"]), []).append(single)
    mean = {key: np.array(values).reshape(-1, READINGS_AN_HOUR).mean(axis=1) for key, values in series.items()}
    compared = [key for key in mean if key[0] in ("pressure", "flow")]
    value = np.stack([mean[key] for key in compared], axis=1)
    is_flow = np.array([quantity == "flow" for quantity, _ in compared])
    deviation = np.where(is_flow, np.maximum(FLOW_NOISE * np.abs(value), _LEAST_FLOW_L_S), PRESSURE_NOISE_M)
    noise = deviation / np.sqrt(READINGS_AN_HOUR)
    signals = [(quantity, node[element]) for quantity, element in compared]
    status = np.zeros((len(value), len(elements.guided)))
    head = np.zeros((len(value), len(node)))
    for (quantity, element), hourly in mean.items():
        if quantity == "status":
            status[:, place[element]] = hourly
        elif quantity == "level":
            head[:, node[element]] = hourly + elements.elevation[node[element]]
    steady = np.all((status == 0.0) | (status == 1.0), axis=1)
    hours = [
        State(begun + hour * HOUR_S, head[hour], np.zeros(0), status[hour] > 0, np.ones(len(elements.guided)))
        for hour in np.flatnonzero(steady).tolist()
    ]
    return Asked(hours, signals, value[steady], noise[steady])


def _zones(path: Path, ids: tuple[str, ...]) -> Floats:
    with path.open(encoding="utf-8") as lines:
        zone = {row["node"]: float(row["zone"].removeprefix("zone-")) for row in csv.DictReader(lines)}
    return np.array([zone[node] for node in ids])


def run_oracle(task: Task) -> dict[str, Any]:
    """Return the oracle's record of a case: where the true pipe stands, and what a bare solve costs in this run."""
    folder = make(task.spec, task.cache)
    true = truth_of(folder)["faults"][0]["elements"][0]
    begun = time.perf_counter()
    oracle = Oracle(folder)
    try:
        found = oracle.search()
        took = time.perf_counter() - begun
        bare = oracle.bare_solve_s()
    finally:
        oracle.close()
    rank = found.links.index(true) + 1 if true in found.links else None
    return {
        "case": task.spec.name,
        "network": task.spec.network,
        "rank": rank,
        "leader": found.links[0],
        "solves": found.solves,
        "bare_solve_s": bare,
        "oracle_s": round(took, 1),
    }
