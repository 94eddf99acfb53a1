"""The next best measurement: does it tell more than the two places where a crew would measure anyway?

Of an ambiguous case, one more pressure is read from the truth, at the node that the answer proposes, at the customer
nearest to whoever complains, or where the causes' predictions are spread widest; then the diagnosis is asked again.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.diagnosis.case import Drawn, make, redraw, truth_of
from benchmarks.diagnosis.draw import Bench
from benchmarks.diagnosis.elements import Floats, State
from benchmarks.diagnosis.judge import same
from benchmarks.diagnosis.project import STEP_S, Unsolvable
from benchmarks.diagnosis.readings import PRESSURE_NOISE_M, ZERO, iso
from benchmarks.diagnosis.run import Task, arguments, hydro_answer
from benchmarks.diagnosis.truth import DAY_S, Fault

AMBIGUOUS = (0.02, 0.8)
"""A case is ambiguous where the true cause is this likely."""
PLACES = ("proposed", "complaint", "spread")
_LEAST_PROBABILITY = 0.02


def run_measurement(task: Task) -> dict[str, Any]:
    """Return how likely the true cause becomes by each of the measurements; ``skipped`` where nothing is ambiguous."""
    folder = make(task.spec, task.cache)
    answer = hydro_answer(arguments(folder, task.complained))
    fault = truth_of(folder)["faults"][0]
    before = true_probability(answer, fault)
    if not AMBIGUOUS[0] <= before <= AMBIGUOUS[1] or not answer.get("next_measurements"):
        return {"case": task.spec.name, "skipped": True, "before": before}
    drawn = redraw(folder)
    proposed = answer["next_measurements"][0]
    state = _instant(drawn, proposed["time"])
    nodes = {
        "proposed": proposed["node"],
        "complaint": truth_of(folder)["complaint"],
        "spread": _widest(drawn, answer["causes"], state),
    }
    after = {}
    for place, node in nodes.items():
        staged = folder / f"with-{place}"
        staged.mkdir(exist_ok=True)
        _with_reading(folder, staged, drawn, node, state, task.spec.generator(99))
        after[place] = true_probability(hydro_answer(arguments(staged, task.complained)), fault)
        shutil.rmtree(staged)
    return {"case": task.spec.name, "network": task.spec.network, "before": before, "nodes": nodes, "after": after}


def true_probability(answer: Mapping[str, Any], fault: Mapping[str, Any]) -> float:
    """Return how likely an answer calls the true cause."""
    return max((float(cause["probability"]) for cause in answer["causes"] if same(cause, fault)), default=0.0)


def _instant(drawn: Drawn, time: str) -> State:
    """Return the run's last state at the time of day that is asked for."""
    asked = int((datetime.fromisoformat(time) - ZERO).total_seconds()) % DAY_S // STEP_S * STEP_S
    start = drawn.truth.window_start
    wanted = start + (asked - start) % DAY_S
    return next(state for state in drawn.states if state.time == wanted)


def _widest(drawn: Drawn, causes: Sequence[Mapping[str, Any]], state: State) -> str:
    """Return the node whose pressure the answer's causes disagree about most, each weighed by its probability."""
    bench = Bench(drawn.truth)
    try:
        heads, weights = [bench.heads(state, ())], [0.0]
        for cause in causes[:10]:
            fault = _as_fault(drawn, cause)
            if fault is None or cause["probability"] < _LEAST_PROBABILITY:
                continue
            try:
                heads.append(bench.heads(state, (fault,)))
                weights.append(float(cause["probability"]))
            except Unsolvable:
                continue
    finally:
        bench.close()
    weights[0] = max(0.0, 1.0 - sum(weights))
    deviation = _deviation(np.stack(heads), np.array(weights))
    junctions = drawn.truth.ground.elements.junctions
    return drawn.truth.ground.elements.node_ids[int(junctions[int(np.argmax(deviation[junctions]))])]


def _as_fault(drawn: Drawn, cause: Mapping[str, Any]) -> Fault | None:
    """Return what a cause says as a fault of the benchmark's; None of the kinds that say nothing of a pressure."""
    elements, severity = drawn.truth.ground.elements, cause["severity"]
    if cause["kind"] in ("blocked_link", "closed_link"):
        link = elements.link_ids.index(cause["elements"][0])
        return Fault("blocked_link", (link,), float(severity.get("minor_loss") or 1e9), 0)
    if cause["kind"] == "demand_growth" and len(cause["elements"]) == 1:
        node = elements.node_ids.index(cause["elements"][0])
        mean = drawn.truth.ground.demand[node]
        grown = 1e-3 * float(severity.get("demand_l_s", 0.0)) / mean if mean > 0 else 0.0
        return Fault("demand_growth", (node,), grown, 0)
    return None


def _deviation(heads: Floats, weights: Floats) -> Floats:
    weights = weights / weights.sum()
    mean = weights @ heads
    return np.asarray(np.sqrt(weights @ (heads - mean) ** 2))


def _with_reading(folder: Path, staged: Path, drawn: Drawn, node: str, state: State, rng: np.random.Generator) -> None:
    """Copy a case with one more pressure reading."""
    for name in ("readings.csv", "baseline.csv", "zones.csv", "truth.json"):
        if (folder / name).is_file():
            shutil.copy(folder / name, staged / name)
    index = drawn.truth.ground.elements.node_ids.index(node)
    pressure = state.head[index] - drawn.truth.ground.elements.elevation[index] + rng.normal(0.0, PRESSURE_NOISE_M)
    with (staged / "readings.csv").open("a", encoding="utf-8") as lines:
        lines.write(f"{iso(state.time)},{node},pressure,{pressure:.4f},m\n")
