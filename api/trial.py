"""Trials: changes to the network, solved before and after; the network itself is never touched."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import numpy as np

from api.arrays import Packed, float_array, pack
from api.geometry import unit_headloss
from hydro import basis, scenario
from hydro.catalogue import Catalogue
from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.errors import InputError
from hydro.hypothesis import Hypothesis
from hydro.network import CV_PIPE, JUNCTION, PIPES, Network
from hydro.readings import Floats
from hydro.state import State
from models.problem import BadInput, Problem
from models.scenario import Change, ChangeKind

MOST_KEPT = 64
"""Trials whose arrays and exports are kept."""
Named = tuple[str, tuple[str, ...]]
"""A fault by its kind and elements."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a trial starts from: sound conditions with faults beside them, named by ``key``.

    ``time`` is None where the instant is one of the file's patterns.
    """

    key: str
    conditions: Conditions
    network_time_s: float
    time: datetime | None = None
    faults: Hypothesis = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """Changes with the states before and after them. ``id`` names what was tried and from where."""

    id: str
    changes: tuple[Change, ...]
    basis: Basis
    after: Conditions
    state_before: State
    state_after: State


class Bench:
    """Where trials are made; remembers the latest. For any number of threads."""

    def __init__(self, engine: Engine, catalogue: Catalogue, revision: str) -> None:
        self.engine = engine
        self.catalogue = catalogue
        self.revision = revision
        self._lock = threading.Lock()
        self._before: OrderedDict[str, State] = OrderedDict()
        self._trials: OrderedDict[str, Trial] = OrderedDict()
        self._packed: OrderedDict[str, Packed] = OrderedDict()
        self._peak: float | None = None

    def peak(self) -> Basis:
        """Return the conditions of the greatest total demand of the file's patterns."""
        with self._lock:
            if self._peak is None:
                network = self.engine.network
                span = max(network.duration_s, 86400)
                times = np.arange(0, span, max(network.pattern_step_s, 60))
                self._peak = float(times[np.argmax([self.engine.demand_at(float(one)).sum() for one in times])])
            peak = self._peak
        return Basis(f"peak/{peak:.0f}", self.engine.default_conditions(peak), peak)

    def run(self, start: Basis, changes: Sequence[Change], cured: Collection[Named] = ()) -> Trial:
        """Return the states before and after changes, and with the ``cured`` faults gone.

        What blocked a main goes with it where it is laid anew.

        Raises
        ------
        BadInput
            Changes speak of elements or sizes that are not there: every problem at once.
        SolveError
            The network does not solve.
        """
        said = [self.revision, start.key, [asdict(change) for change in changes], sorted(cured)]
        told = json.dumps(said, ensure_ascii=False)
        name = hashlib.sha256(told.encode()).hexdigest()[:20]
        with self._lock:
            known = self._trials.get(name)
            before = self._before.get(start.key)
        if known is not None:
            return known
        network = self.engine.network
        left = basis.under(start.conditions, _left(start.faults, changes, cured), network)
        after = apply(left, changes, network, self.catalogue)
        if before is None:
            before = self.engine.solve(basis.under(start.conditions, start.faults, network))
        trial = Trial(name, tuple(changes), start, after, before, self.engine.solve(after))
        with self._lock:
            _remember(self._before, start.key, before)
            _remember(self._trials, name, trial)
        return trial

    def trial(self, name: str) -> Trial | None:
        """Return a trial that is still remembered."""
        with self._lock:
            return self._trials.get(name)

    def packed(self, trial: Trial) -> Packed:
        """Return the arrays of a trial, before and after."""
        with self._lock:
            found = self._packed.get(trial.id)
        if found is None:
            found = trial_arrays(trial, self.engine.network, self.revision)
            with self._lock:
                _remember(self._packed, trial.id, found)
        return found


def _left(faults: Hypothesis, changes: Sequence[Change], cured: Collection[Named]) -> Hypothesis:
    """Return the faults that are still there once changes are made and the cured ones are gone."""
    laid = {change.element for change in changes if change.kind is ChangeKind.REPLACE}
    return tuple(
        fault
        for fault in faults
        if (fault.candidate.kind, fault.candidate.elements) not in cured
        and not (fault.candidate.kind == "blocked_link" and fault.candidate.elements[0] in laid)
    )


def apply(conditions: Conditions, changes: Sequence[Change], network: Network, catalogue: Catalogue) -> Conditions:
    """Return conditions with changes in them; raises ``BadInput`` with every problem."""
    arrays = {
        name: getattr(conditions, name).copy() for name in ("demand", "status", "minor_loss", "diameter", "roughness")
    }
    problems: list[Problem] = []
    for change in changes:
        said = _refusal(change, network)
        if said:
            problems.append(Problem(f"{change.kind} {change.element}: {said}"))
            continue
        try:
            _change(arrays, change, network, catalogue)
        except InputError as error:
            problems.append(Problem(f"{change.kind} {change.element}: {error}"))
    if problems:
        raise BadInput(problems)
    return replace(conditions, **arrays)


def _refusal(change: Change, network: Network) -> str:
    """Return why a change cannot be made in this network; empty where it can."""
    if change.kind is ChangeKind.DEMAND:
        node = network.node_index.get(change.element)
        if node is None:
            return _unknown("node", change.element, network.node_ids)
        return "" if network.node_kind[node] == JUNCTION else "is a source or a tank, expected a junction"
    link = network.link_index.get(change.element)
    if link is None:
        return _unknown("link", change.element, network.link_ids)
    kind = network.link_kind[link]
    if change.kind in (ChangeKind.OPEN, ChangeKind.CLOSE):
        return "has a check valve, which opens and closes by itself" if kind == CV_PIPE else ""
    if change.kind is not ChangeKind.MINOR_LOSS and kind not in PIPES:
        return "is no pipe"
    if change.kind in (ChangeKind.DIAMETER, ChangeKind.ROUGHNESS) and not (change.value or 0.0) > 0.0:
        return f"value {change.value:g}, must be > 0"
    return ""


def _unknown(what: str, element: str, known: Sequence[str]) -> str:
    near = get_close_matches(element, known, n=3)
    return f"no {what} of the network" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _change(arrays: Mapping[str, Floats], change: Change, network: Network, catalogue: Catalogue) -> None:
    value = change.value or 0.0
    if change.kind is ChangeKind.DEMAND:
        arrays["demand"][network.node_index[change.element]] = value / 1e3
        return
    link = network.link_index[change.element]
    match change.kind:
        case ChangeKind.REPLACE:
            size = catalogue.named(change.size)
            arrays["diameter"][link] = size.inner
            arrays["roughness"][link] = size.roughness(network.headloss_formula)
        case ChangeKind.DIAMETER:
            arrays["diameter"][link] = value / 1e3
        case ChangeKind.ROUGHNESS:
            # Darcy–Weisbach heights are millimetres in a file and metres inside.
            arrays["roughness"][link] = value / 1e3 if network.headloss_formula == "D-W" else value
        case ChangeKind.MINOR_LOSS:
            arrays["minor_loss"][link] = value
        case ChangeKind.OPEN | ChangeKind.CLOSE:
            arrays["status"][link] = 1.0 if change.kind is ChangeKind.OPEN else 0.0


def scenario_of(changes: Sequence[Change], network: Network, catalogue: Catalogue) -> scenario.Scenario:
    """Return changes that this network can carry as what an exported network file is made of.

    A demand is the node's before its patterns.
    """
    valued = {kind: {one.element: one.value or 0.0 for one in changes if one.kind is kind} for kind in ChangeKind}
    return scenario.Scenario(
        pipes={one.element: catalogue.named(one.size) for one in changes if one.kind is ChangeKind.REPLACE},
        diameter={element: value / 1e3 for element, value in valued[ChangeKind.DIAMETER].items()},
        # Darcy–Weisbach heights are millimetres in a file and metres inside.
        roughness={
            element: value / 1e3 if network.headloss_formula == "D-W" else value
            for element, value in valued[ChangeKind.ROUGHNESS].items()
        },
        minor_loss=valued[ChangeKind.MINOR_LOSS],
        open={**dict.fromkeys(valued[ChangeKind.OPEN], True), **dict.fromkeys(valued[ChangeKind.CLOSE], False)},
        base_demand={element: value / 1e3 for element, value in valued[ChangeKind.DEMAND].items()},
    )


def of_diagnosis(document: Mapping[str, Any], diagnosis_id: int, network: Network) -> Basis:
    """Return the conditions at which a diagnosis divided the head lost and solved its cures, its faults beside them.

    Raises
    ------
    BadInput
        The document keeps no basis: it found nothing to divide, or is of a version that kept none.
    """
    faults = faults_believed(document, diagnosis_id, network)
    time = datetime.fromisoformat(document["attribution_time"])
    since = (time - datetime.fromisoformat(document["start"])).total_seconds()
    conditions = basis.conditions_of(document["basis"], network)
    return Basis(f"diagnosis/{diagnosis_id}", conditions, since, time, faults)


def faults_believed(document: Mapping[str, Any], diagnosis_id: int, network: Network) -> Hypothesis:
    """Return the faults that a diagnosis believes; raises ``BadInput`` where its document does not keep them."""
    if "basis" not in document:
        said = "keeps no conditions to try a cure at, expected one that has metres to divide: run it again"
        raise BadInput.of(f"diagnosis {diagnosis_id}: {said}")
    return basis.faults_of(document["basis"], network)


def trial_arrays(trial: Trial, network: Network, revision: str) -> Packed:
    """Return pressures, flows, velocities and unit headlosses before and after as one body."""
    arrays = []
    for side, state in (("before", trial.state_before), ("after", trial.state_after)):
        arrays += [
            float_array(f"pressure_{side}", state.pressure, "m", 0.01),
            float_array(f"flow_{side}", 1e3 * state.flow, "l/s", 0.001),
            float_array(f"velocity_{side}", state.velocity, "m/s", 0.001),
            float_array(f"headloss_{side}", unit_headloss(network, state), "m/km", 0.01),
        ]
    return pack({"revision": revision, "whatif": trial.id}, arrays)


def _remember(kept: OrderedDict[str, Any], key: str, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
