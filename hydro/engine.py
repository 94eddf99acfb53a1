"""EPANET in memory: opened once, then conditions in, states out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

import numpy as np

from hydro.conditions import Conditions
from hydro.errors import EngineError, NetworkError, SolveError
from hydro.network import JUNCTION, PUMP, RESERVOIR, Network, PressureDemand
from hydro.network_file import Patterns, read_network
from hydro.project import Project
from hydro.readings import Floats
from hydro.state import State

ASSUMED = PressureDemand()
"""How demand follows pressure where the network file does not say."""


class Engine:
    """A network that can be solved again and again, on all cores.

    ``pressure_demand`` is used where the file itself is demand-driven; None leaves demands as they are.
    """

    def __init__(self, inp: Path, pressure_demand: PressureDemand | None = ASSUMED, workers: int | None = None) -> None:
        """Open the network.

        Raises
        ------
        NetworkError
            The file does not load; the message carries EPANET's own words, with the section and the line.
        """
        self._inp = inp
        self._scratch = Path(tempfile.mkdtemp(prefix="hydro-engine-"))
        self._workers = workers or os.cpu_count() or 1
        try:
            first = Project(inp, self._scratch / "0.rpt")
        except EngineError as error:
            report = self._scratch / "0.rpt"
            shown = _report_errors(report)
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise NetworkError(f"{inp}: {shown or error}") from error
        self.network: Network
        self._patterns: Patterns
        self.network, self._patterns, self._head, self._setting = read_network(first.kit, inp.stem)
        self.pressure_demand = self.network.pressure_demand or pressure_demand
        self._opened = 1
        try:
            first.prepare(self.network, self.pressure_demand)
        except EngineError as error:
            first.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise NetworkError(f"{inp}: {error}") from error
        self._idle: SimpleQueue[Project] = SimpleQueue()
        self._idle.put(first)
        self._projects = [first]
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give projects, threads and scratch files back."""
        if self._pool is not None:
            self._pool.shutdown()
        for project in self._projects:
            project.close()
        self._projects.clear()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def demand_at(self, time_s: float) -> Floats:
        """Return (N,) full demand of the file at network time ``time_s`` [m³/s]."""
        return self._demand(self._multipliers(time_s))

    def default_conditions(self, time_s: float) -> Conditions:
        """Return what the file says of network time ``time_s``: patterns followed, tanks at their initial level."""
        network = self.network
        multipliers = self._multipliers(time_s)
        head = self._head * np.where(network.node_kind == RESERVOIR, multipliers[self._patterns.reservoir], 1.0)
        links = len(network.link_ids)
        paced = (network.link_kind == PUMP) & (self._patterns.speed > 0)
        setting = np.where(paced, multipliers[self._patterns.speed], self._setting)
        return Conditions(
            demand=self._demand(multipliers),
            head=head,
            leak=np.zeros(len(network.node_ids)),
            status=np.full(links, np.nan),
            setting=np.where(paced, setting, np.nan),
            minor_loss=np.full(links, np.nan),
            diameter=np.full(links, np.nan),
            roughness=np.full(links, np.nan),
        )

    def solve(self, conditions: Conditions) -> State:
        """Return the steady state under conditions.

        Raises
        ------
        SolveError
            EPANET finds none.
        """
        project = self._take()
        try:
            return project.solve(conditions)
        except EngineError as error:
            raise SolveError(f"{self.network.name}: {error}") from error
        finally:
            self._idle.put(project)

    def solve_many(self, conditions: Sequence[Conditions]) -> list[State]:
        """Return the states under many conditions, in their order, on all cores."""
        if len(conditions) < 4 or self._workers < 2:
            return [self.solve(one) for one in conditions]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="hydro-engine")
        return list(self._pool.map(self.solve, conditions))

    def extended(self, times_s: Floats, conditions: Sequence[Conditions]) -> list[State]:
        """Return the states at ``times_s`` with tanks and links that no condition fixes moving as EPANET moves them."""
        project = Project(self._inp, self._scratch / "extended.rpt")
        try:
            project.prepare(self.network, self.pressure_demand, keep_controls=True)
            return project.follow(np.asarray(times_s), conditions)
        except EngineError as error:
            raise SolveError(f"{self.network.name}: {error}") from error
        finally:
            project.close()

    def save(self, path: Path, changes: Conditions) -> None:
        """Write the network with changed pipes, statuses and settings; demand keeps its patterns."""
        project = Project(self._inp, self._scratch / "save.rpt")
        try:
            project.change(changes, self.network)
            project.kit.call("saveinpfile", str(path).encode())
        finally:
            project.close()

    def _multipliers(self, time_s: float) -> Floats:
        network = self.network
        return self._patterns.at(time_s, network.pattern_step_s, network.pattern_start_s)

    def _demand(self, multipliers: Floats) -> Floats:
        patterns = self._patterns
        demand = np.zeros(len(self.network.node_ids))
        now = patterns.category_base * multipliers[patterns.category_pattern] * patterns.multiplier
        np.add.at(demand, patterns.category_node, now)
        return np.where(self.network.node_kind == JUNCTION, demand, 0.0)

    def _take(self) -> Project:
        if self._idle.empty() and self._opened < self._workers:
            self._opened += 1
            project = Project(self._inp, self._scratch / f"{self._opened}.rpt")
            project.prepare(self.network, self.pressure_demand)
            self._projects.append(project)
            return project
        return self._idle.get()


def _report_errors(report: Path) -> str:
    """Return the error lines of EPANET's report, joined."""
    if not report.exists():
        return ""
    lines = [line.strip() for line in report.read_text(errors="replace").splitlines()]
    return "; ".join(line for line in lines if "rror" in line or line.endswith(":"))
