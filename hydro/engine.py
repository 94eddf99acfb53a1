"""EPANET in memory: opened once, then conditions in, states out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np

from hydro.conditions import Conditions
from hydro.errors import EngineError, InputError, NetworkError, SolveError
from hydro.extended import Extended, Limits, follow
from hydro.network import CV_PIPE, GPV, JUNCTION, PIPES, PUMP, RESERVOIR, TANK, Network, PressureDemand
from hydro.network_file import Patterns
from hydro.project import Project
from hydro.readings import Floats
from hydro.scenario import NO_CHANGE, Scenario
from hydro.shared import Shared
from hydro.soundness import line_of, refuse_unsound
from hydro.state import State
from hydro.steady import Steady

Given = TypeVar("Given")
Answer = TypeVar("Answer")

ASSUMED = PressureDemand()
"""How demand follows pressure where the network file does not say."""
LIMITS = Limits()
SMALL = 500
"""A network of fewer links is solved in less time than it takes to hand its instants over to other threads."""
PIECES = 2
"""Pieces for each core into which many solves are cut: the one that is slow does not keep the others waiting."""


class Engine:
    """A network that can be solved again and again, on all cores.

    ``pressure_demand`` is used where the file itself is demand-driven; None leaves demands as they are.
    """

    def __init__(
        self,
        inp: Path,
        pressure_demand: PressureDemand | None = ASSUMED,
        workers: int | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        """Open the network.

        Raises
        ------
        NetworkError
            The file does not load, or holds nothing that could be solved; the message carries EPANET's own words, with
            the section and the line.
        """
        self._inp = inp
        self._limits = limits
        self._scratch = Path(tempfile.mkdtemp(prefix="hydro-engine-"))
        self._workers = workers or os.cpu_count() or 1
        self._reports = count(1)
        self.network: Network
        self._patterns: Patterns
        try:
            first = self._open()
            try:
                self.network, self._patterns, self._head, self._setting = first.read(inp.stem)
                refuse_unsound(self.network, inp)
                self.pressure_demand = self.network.pressure_demand or pressure_demand
                self._steady: Shared[Steady] = Shared(self._open_steady, self._workers)
                self._steady.add(Steady(first, self.network, self.pressure_demand))
            except EngineError:
                first.close()
                raise
        except EngineError as error:
            shown = _report_errors(self._scratch / "1.rpt", inp)
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise NetworkError(f"{inp}: {shown or error}") from error
        self._extended: Shared[Extended] = Shared(self._open_extended, self._workers)
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def scratch(self) -> Path:
        """Return the folder of EPANET's reports, gone when the engine is closed."""
        return self._scratch

    @cached_property
    def controlled(self) -> frozenset[int]:
        """Return the links that some control or rule of the file acts on."""
        return self._extended.apply(lambda one: one.controlled)

    def close(self) -> None:
        """Give projects, threads and scratch files back."""
        if self._pool is not None:
            self._pool.shutdown()
        self._steady.close()
        self._extended.close()
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

    def conditions_at(self, times_s: Floats) -> list[Conditions]:
        """Return the conditions of ascending times as the file's own run makes them, tanks and controls included."""
        plain = [self.default_conditions(float(time)) for time in times_s]
        if not self.network.remembers:
            return plain
        states = self.run(times_s)
        return [_reached(one, state, self.network, self.controlled) for one, state in zip(plain, states, strict=True)]

    def pattern_at(self, time_s: float) -> Floats:
        """Return (N,) multiplier of each junction's first demand category at network time ``time_s`` [-]."""
        patterns = self._patterns
        now = self._multipliers(time_s)[patterns.category_pattern]
        result = np.ones(len(self.network.node_ids))
        # Backwards, so that the first category of a node is the one that stays.
        result[patterns.category_node[::-1]] = now[::-1]
        return result

    def solve(self, conditions: Conditions) -> State:
        """Return the steady state under conditions.

        Raises
        ------
        SolveError
            EPANET finds none.
        """
        return self._steady.apply(lambda steady: self._told(partial(steady.solve, conditions)))

    def solve_many(self, conditions: Sequence[Conditions]) -> list[State]:
        """Return the states under many conditions, in their order, on all cores where that is quicker."""
        if len(self.network.link_ids) < SMALL:
            return [self.solve(one) for one in conditions]
        return self._map(self.solve, conditions, least=4)

    def run(self, times_s: Floats, scenario: Scenario = NO_CHANGE) -> list[State]:
        """Return the states in force at ascending times [s], run from the network's time 0 as the file has it.

        Raises
        ------
        InputError
            The network does not bear the scenario.
        SolveError
            EPANET finds no state, or the run takes more than its limits.
        """
        times = np.asarray(times_s, dtype=np.float64)
        return self._extended.apply(lambda one: self._told(partial(one.run, times, scenario, self._limits)))

    def run_many(self, times_s: Floats, scenarios: Sequence[Scenario]) -> list[list[State]]:
        """Return the states of several scenarios' runs, on all cores."""
        return self._map(partial(self.run, times_s), scenarios, least=2)

    def extended(self, times_s: Floats, conditions: Sequence[Conditions], since_s: Floats | None = None) -> list[State]:
        """Return the states at ``times_s`` with tanks and links that no condition fixes moving as EPANET moves them.

        ``since_s``: when each of the conditions begin to hold, at the states' own times where it is None.
        """
        times = np.asarray(times_s)
        since = times if since_s is None else since_s
        steady = Steady(self._open(), self.network, self.pressure_demand, keep_controls=True)
        try:
            return self._told(partial(follow, steady, self.network, times, since, conditions, self._limits))
        finally:
            steady.close()

    def on_all_cores(self, question: Callable[[Given], Answer], given: Sequence[Given]) -> list[Answer]:
        """Return the answers to a question about many things, in their order; it must not ask for all cores itself."""
        return self._map(question, given, least=2)

    def save(self, path: Path, scenario: Scenario, until_s: float = 0.0) -> None:
        """Write the network under a scenario: run by EPANET, it gives the states that ``run`` gives.

        The file keeps its units, patterns, controls and rules, but for those that act on a link the scenario holds; it
        says how demand follows pressure, solves as tightly as the engine does, and lasts until ``until_s`` at least.

        Raises
        ------
        InputError
            The network does not bear the scenario, or the file cannot be written.
        """
        beside = path.with_name(f".{path.name}.part")
        project = Extended(self._open(quiet=False), self.network, self.pressure_demand)
        try:
            if not path.parent.is_dir():
                raise InputError(f"{path}: there is no folder {path.parent}")
            project.save(str(beside), scenario, until_s)
            # EPANET does not look whether its writing succeeds.
            if not beside.read_text(encoding="utf-8", errors="replace").rstrip().endswith("[END]"):
                raise InputError(f"{path}: cannot be written whole, is the disk full?")
            beside.replace(path)
        except (EngineError, OSError) as error:
            raise InputError(f"{path}: {error}") from error
        finally:
            beside.unlink(missing_ok=True)
            project.close()

    def _told(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except EngineError as error:
            raise SolveError(f"{self.network.name}: {error}") from error

    def _map(self, function: Callable[[Given], Answer], given: Sequence[Given], least: int) -> list[Answer]:
        if len(given) < least or self._workers < 2:
            return [function(one) for one in given]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="hydro-engine")
        # A few pieces a core: handing over each instant alone costs half as much as solving it.
        size = -(-len(given) // min(len(given), PIECES * self._workers))
        pieces = [given[first : first + size] for first in range(0, len(given), size)]
        return list(chain.from_iterable(self._pool.map(lambda piece: [function(one) for one in piece], pieces)))

    def _multipliers(self, time_s: float) -> Floats:
        network = self.network
        return self._patterns.at(time_s, network.pattern_step_s, network.pattern_start_s)

    def _demand(self, multipliers: Floats) -> Floats:
        patterns = self._patterns
        demand = np.zeros(len(self.network.node_ids))
        now = patterns.category_base * multipliers[patterns.category_pattern] * patterns.multiplier
        np.add.at(demand, patterns.category_node, now)
        return np.where(self.network.node_kind == JUNCTION, demand, 0.0)

    def _open(self, quiet: bool = True) -> Project:
        return Project(self._inp, self._scratch / f"{next(self._reports)}.rpt", quiet)

    def _open_steady(self) -> Steady:
        return Steady(self._open(), self.network, self.pressure_demand)

    def _open_extended(self) -> Extended:
        return Extended(self._open(), self.network, self.pressure_demand)


def _reached(plain: Conditions, state: State, network: Network, controlled: frozenset[int]) -> Conditions:
    """Return an instant's conditions with the tank levels, pumps and valves that a run has reached."""
    links = np.arange(len(network.link_ids))
    moved = np.isin(links, list(controlled)) & (network.link_kind != CV_PIPE)
    is_valve = network.link_kind > PUMP
    # A control that opens a valve takes its setting away.
    fully = is_valve & state.status & ~state.active & (state.setting == 0.0) & (network.link_kind != GPV)
    status = np.where(fully, 2.0, state.status.astype(float))
    paced = moved & state.status & (network.link_kind != GPV) & ~np.isin(network.link_kind, PIPES) & ~fully
    return replace(
        plain,
        head=np.where(network.node_kind == TANK, state.head, plain.head),
        status=np.where(moved, status, plain.status),
        setting=np.where(paced, state.setting, plain.setting),
    )


def _report_errors(report: Path, inp: Path) -> str:
    """Return the errors of EPANET's report, joined, each with the line of the file that it is about."""
    if not report.exists():
        return ""
    lines = [line.strip() for line in report.read_text(errors="replace").splitlines() if line.strip()]
    told = []
    for place, line in enumerate(lines):
        if "Error" in line:
            # A colon at the end announces the line of the file.
            quoted = lines[place + 1] if line.endswith(":") and place + 1 < len(lines) else ""
            told.append(f'{line} "{quoted}"{line_of(inp, quoted.split())}' if quoted else line)
    # That there are errors is no news beside them.
    return "; ".join([one for one in told if not one.startswith("Error 200")] or told)
