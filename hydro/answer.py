"""The answer: a diagnosis as the one document that is stored, sent and shown. Words and units: the contract's.

Everything leaves SI here: metres, litres a second, ISO 8601 times in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hydro.attribution import Attribution, Player, Resize, attribute, lowest_step
from hydro.basis import told
from hydro.catalogue import Catalogue
from hydro.consequences import HeadLost, head_lost, likely_place
from hydro.cures import Cure, cures, thin_mains
from hydro.diagnosis import Cause, Diagnosis
from hydro.faults import Candidate
from hydro.faults.blocked_link import CLOSED
from hydro.hypothesis import Fault, Hypothesis
from hydro.measurement import Measurement, next_measurements
from hydro.observables import HEAD, PRESSURE
from hydro.opening import opening_percent
from hydro.resolve import conditions_under
from hydro.threads import on_one_core
from hydro.window import DAY

SCHEMA = 1
NAMED = 8
"""How many causes get their metres worked out; the others are listed with their probability alone."""
LISTED = 20
PASSES_NOTHING = 0.01
"""A link that passes less than this part of what it would carry is called closed."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A diagnosis with what follows from it, before it is put into words."""

    diagnosis: Diagnosis
    lost: dict[int, HeadLost]
    node: int | None
    attribution: Attribution | None
    cures: tuple[Cure, ...]
    measurements: tuple[Measurement, ...]


@on_one_core
def work_out(diagnosis: Diagnosis, catalogue: Catalogue, rng: np.random.Generator) -> Answer:
    """Return what follows: metres lost, their division, cures and what to measure next."""
    lost: dict[int, HeadLost] = {}
    for place, cause in enumerate(diagnosis.causes[:NAMED]):
        found = head_lost(diagnosis, cause, rng)
        if found is not None:
            lost[place] = found
    node = _node(diagnosis, lost)
    measurements = tuple(next_measurements(diagnosis))
    if node is None:
        return Answer(diagnosis, lost, None, None, (), measurements)
    hypothesis = believed(diagnosis)
    step = lowest_step(diagnosis, node)
    thin = thin_mains(diagnosis, hypothesis, catalogue, node, step)
    return Answer(
        diagnosis,
        lost,
        node,
        attribute(diagnosis, hypothesis, thin, node, step),
        tuple(cures(diagnosis, hypothesis, thin, node, step)),
        measurements,
    )


def believed(diagnosis: Diagnosis) -> Hypothesis:
    """Return the faults that attribution and cures speak of."""
    return diagnosis.answering.hypothesis


def document(answer: Answer) -> Document:
    """Return the answer in the contract's words; the caller adds network, window, affected customers and timing."""
    diagnosis = answer.diagnosis
    return {
        "schema": SCHEMA,
        "causes": [_cause(answer, place, cause) for place, cause in enumerate(diagnosis.causes[:LISTED])],
        "healthy_probability": diagnosis.healthy_probability,
        "unexplained_probability": diagnosis.unexplained_probability,
        "indistinguishable": [[_named(one) for one in group] for group in diagnosis.indistinguishable],
        "attribution": _attribution(answer),
        **_attributed(answer),
        "next_measurements": [_measurement(diagnosis, one) for one in answer.measurements],
        "cures": [_cure(answer, one) for one in answer.cures],
        "can_say": can_say(diagnosis),
    }


def can_say(diagnosis: Diagnosis) -> bool:
    """Return whether the readings hold an answer: health, or a cause (or a group that is one to the points)."""
    if diagnosis.healthy_probability >= 0.5:
        return diagnosis.complaint is None
    probability = {cause.fault.key: cause.probability for cause in diagnosis.causes}
    groups = [
        sum(probability.get((one.kind, one.indices), 0.0) for one in group) for group in diagnosis.indistinguishable
    ]
    return max([cause.probability for cause in diagnosis.causes[:1]] + groups, default=0.0) >= 0.5


def time_of(diagnosis: Diagnosis, step: int) -> str:
    """Return the instant of a step as ISO 8601 in UTC."""
    return datetime.fromtimestamp(float(diagnosis.found.case.window.time[step]), UTC).isoformat()


def kind_of(answer: Answer, fault: Fault) -> str:
    """Return the kind's word: a blockage that lets almost nothing through is a closed link."""
    if fault.candidate.kind != "blocked_link":
        return fault.candidate.kind
    if fault.severity >= CLOSED:
        return "closed_link"
    cause = next((one for one in answer.diagnosis.causes if one.fault.key == fault.key), None)
    if cause is None or cause.explained is None:
        return "blocked_link"
    link = fault.candidate.indices[0]
    last = -1
    now = abs(float(cause.explained.evidence.snapshots[last].state.flow[link]))
    free = abs(float(answer.diagnosis.found.healthy.snapshots[last].state.flow[link]))
    return "closed_link" if now < PASSES_NOTHING * free else "blocked_link"


def _node(diagnosis: Diagnosis, lost: dict[int, HeadLost]) -> int | None:
    network = diagnosis.found.case.engine.network
    if diagnosis.complaint is not None:
        return network.node_index[diagnosis.complaint.node]
    first = next(iter(lost.values()), None)
    return None if first is None else first.node


def _named(candidate: Candidate) -> Document:
    return {"kind": candidate.kind, "elements": list(candidate.elements)}


def _cause(answer: Answer, place: int, cause: Cause) -> Document:
    diagnosis = answer.diagnosis
    network = diagnosis.found.case.engine.network
    severity: Document = {}
    if place in answer.lost:
        lost = answer.lost[place]
        severity = {
            "head_lost_m": lost.metres,
            "at": network.node_ids[lost.node],
            "time": time_of(diagnosis, lost.step),
            "interval90": list(lost.interval),
        }
    if cause.explained is not None:
        snapshot = cause.explained.evidence.snapshots[-1]
        severity |= cause.fault.kind.describe(cause.candidate, cause.fault.severity, snapshot)
        severity |= _opening(cause)
    return {
        "kind": kind_of(answer, cause.fault),
        "elements": list(cause.candidate.elements),
        "valve_ids": list(cause.candidate.valve_ids),
        **cause.candidate.notes,
        "probability": cause.probability,
        "severity": severity,
        "onset": time_of(diagnosis, cause.fault.onset),
        "evidence": _evidence(diagnosis, cause),
    }


def _opening(cause: Cause) -> Document:
    if cause.candidate.kind != "blocked_link" or cause.explained is None:
        return {}
    return {"opening_percent": list(opening_percent(cause.fault.severity))}


def _evidence(diagnosis: Diagnosis, cause: Cause, most: int = 6) -> list[Document]:
    """Return the points that speak for or against a cause: those whose modelled value it moves most."""
    if cause.explained is None:
        return []
    case = diagnosis.found.case
    healthy = np.stack([one.value for one in diagnosis.found.healthy.snapshots], axis=1)
    with_cause = np.stack([one.value for one in cause.explained.evidence.snapshots], axis=1)
    departed = case.departures.split(case.departures.theta(diagnosis.found.healthy.place.departures))[4][:, None]
    moved = np.abs(with_cause - healthy) / case.window.deviation
    moved = np.where(np.isfinite(case.window.value) & np.isfinite(moved), moved, -1.0)
    told: list[Document] = []
    for row in np.argsort(-moved.max(axis=1))[:most]:
        step = int(np.argmax(moved[row]))
        if moved[row, step] < 0.0:
            continue
        gauge = case.window.observables.kind[row] in (PRESSURE, HEAD)
        scale, unit = (1.0, "m") if gauge else (1e3, "l/s")
        told.append(
            {
                "point": case.window.points[row],
                "time": time_of(diagnosis, step),
                "measured": scale * float(case.window.value[row, step]),
                "modelled": scale * float(healthy[row, step] + departed[row, 0]),
                "with_cause": scale * float(with_cause[row, step] + departed[row, 0]),
                "unit": unit,
            }
        )
    return told


def _player(answer: Answer, player: Player) -> Document:
    network = answer.diagnosis.found.case.engine.network
    if isinstance(player, Resize):
        links = [network.link_ids[link] for link in player.main.links]
        return {"term": "undersized_main", "elements": links, "size": player.name}
    return {"term": kind_of(answer, player), "elements": list(player.candidate.elements)}


def _attribution(answer: Answer) -> list[Document]:
    if answer.attribution is None:
        return []
    return [{**_player(answer, one.player), "head_m": one.head} for one in answer.attribution.terms]


def _attributed(answer: Answer) -> Document:
    """Return when the attribution holds, at which node, what its terms add up to, and what it was solved under."""
    if answer.attribution is None:
        return {}
    whole, diagnosis = answer.attribution, answer.diagnosis
    case = diagnosis.found.case
    sound = conditions_under(case, likely_place(case, diagnosis.answering), (), whole.step)
    begun = tuple(fault for fault in believed(diagnosis) if fault.onset <= whole.step)
    return {
        "attribution_at": case.engine.network.node_ids[whole.node],
        "attribution_time": time_of(diagnosis, whole.step),
        "attribution_total_m": whole.cured - whole.now,
        "basis": told(sound, begun, case.engine.network),
    }


def _cure(answer: Answer, cure: Cure) -> Document:
    network = answer.diagnosis.found.case.engine.network
    parts = [_repair(fault) for fault in cure.faults]
    parts += [
        f"lay {', '.join(network.link_ids[link] for link in one.main.links)} as {one.name} ({one.main.length:.0f} m)"
        for one in cure.resizes
    ]
    assert answer.node is not None
    return {
        "change": "; ".join(parts),
        "faults": [_named(fault.candidate) for fault in cure.faults],
        "replace": [
            {
                "links": [network.link_ids[link] for link in one.main.links],
                "size": one.name,
                "inner_mm": 1e3 * one.diameter,
                "roughness": one.roughness,
            }
            for one in cure.resizes
        ],
        "regained_m": cure.regained,
        "pressure_m": cure.pressure,
        "at": network.node_ids[answer.node],
        "through_the_day": [
            {"time": _hour(answer.diagnosis, hour), "before_m": float(before), "after_m": float(after)}
            for hour, (before, after) in enumerate(zip(cure.before, cure.after, strict=True))
        ],
    }


def _hour(diagnosis: Diagnosis, hour: int) -> str:
    """Return the middle of an hour of the network's day, on the day after the window."""
    window = diagnosis.found.case.window
    days = int(window.network_time()[-1] // DAY) + 1
    return datetime.fromtimestamp(window.origin + days * DAY + (hour + 0.5) * 3600.0, UTC).isoformat()


def _repair(fault: Fault) -> str:
    what = {
        "blocked_link": "free",
        "leak": "repair the leak at",
        "source_head_loss": "restore the head of",
        "open_boundary": "close",
        "roughness_growth": "clean or renew",
    }.get(fault.candidate.kind, "mend")
    valves = f" (valve {', '.join(fault.candidate.valve_ids)})" if fault.candidate.valve_ids else ""
    return f"{what} {', '.join(fault.candidate.elements[:6])}{valves}"


def _measurement(diagnosis: Diagnosis, one: Measurement) -> Document:
    network = diagnosis.found.case.engine.network
    return {
        "node": network.node_ids[one.node],
        "quantity": "pressure",
        "time": time_of(diagnosis, one.step),
        "bits": one.bits,
        "outcomes": [
            {
                "from_m": told.low,
                "to_m": told.high,
                "probability": told.probability,
                "causes": [_named(fault.candidate) for fault in told.hypothesis],
                "becomes": told.becomes,
            }
            for told in one.outcomes
        ],
    }
