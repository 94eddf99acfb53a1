"""The basis of a diagnosis: the conditions and faults that its attribution and cures were solved under.

Kept in the document, so that whoever tries a cure later solves the very network that the diagnosis spoke of, whatever
the readings have become since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hydro.conditions import Conditions
from hydro.faults import Candidate
from hydro.faults.kind import NODES
from hydro.hypothesis import KIND_BY_NAME, Fault, Hypothesis
from hydro.network import Network
from hydro.readings import Floats

SEVERITY = {
    "blocked_link": ("minor_loss", 1.0),
    "demand_growth": ("demand_l_s", 1e3),
    "leak": ("leak_at_30_m_l_s", 1e3),
    "source_head_loss": ("head_m", 1.0),
    "open_boundary": ("flow_l_s", 1e3),
    "roughness_growth": ("friction_growth", 1.0),
}
"""By kind the word of its severity and what turns the kind's own unit into the word's."""
GIVEN = (
    ("demand", "demand_l_s", 1e3),
    ("head", "head_m", 1.0),
    ("leak", "leak_l_s_per_sqrt_m", 1e3),
    ("status", "status", 1.0),
    ("setting", "setting", 1.0),
    ("minor_loss", "minor_loss", 1.0),
    ("diameter", "diameter_mm", 1e3),
    ("roughness", "roughness", 1.0),
)
"""Conditions by field, word, and what turns the field's unit into the word's."""
OF_NODES = frozenset({"demand", "head", "leak"})
LEFT_OUT = {"demand": 0.0, "leak": 0.0}
"""What an element has that a word does not name; other fields: as the network file has it."""
DIGITS = 7


def told(conditions: Conditions, hypothesis: Hypothesis, network: Network) -> dict[str, Any]:
    """Return conditions without faults, and the faults beside them, as the document keeps them."""
    given = {}
    for field, word, scale in GIVEN:
        values: Floats = getattr(conditions, field)
        names = network.node_ids if field in OF_NODES else network.link_ids
        worth = np.flatnonzero(np.isfinite(values) & (values != LEFT_OUT.get(field, np.nan)))
        if len(worth):
            given[word] = {names[one]: float(f"{scale * values[one]:.{DIGITS}g}") for one in worth}
    return {"given": given, "faults": [_fault(fault) for fault in hypothesis if fault.kind.hydraulic]}


def conditions_of(basis: Mapping[str, Any], network: Network) -> Conditions:
    """Return the conditions without faults; elements that the network no longer has are passed over."""
    arrays = {}
    for field, word, scale in GIVEN:
        index = network.node_index if field in OF_NODES else network.link_index
        values = np.full(len(index), LEFT_OUT.get(field, np.nan))
        for name, value in basis["given"].get(word, {}).items():
            if name in index:
                values[index[name]] = value / scale
        arrays[field] = values
    return Conditions(**arrays)


def faults_of(basis: Mapping[str, Any], network: Network) -> Hypothesis:
    """Return the faults, there from the start; one with an element that the network no longer has is passed over."""
    found = []
    for one in basis["faults"]:
        kind, elements = one["kind"], tuple(one["elements"])
        indices = _indices(kind, elements, network)
        if indices is not None:
            word, scale = SEVERITY[kind]
            found.append(Fault(Candidate(kind, elements, indices), one["severity"][word] / scale, 0))
    return tuple(found)


def under(conditions: Conditions, hypothesis: Hypothesis, network: Network) -> Conditions:
    """Return conditions with faults in them."""
    for fault in hypothesis:
        conditions = KIND_BY_NAME[fault.candidate.kind].apply(conditions, fault.candidate, fault.severity, network)
    return conditions


def _indices(kind: str, elements: Sequence[str], network: Network) -> tuple[int, ...] | None:
    index = network.node_index if KIND_BY_NAME[kind].of == NODES else network.link_index
    return tuple(index[one] for one in elements) if all(one in index for one in elements) else None


def _fault(fault: Fault) -> dict[str, Any]:
    word, scale = SEVERITY[fault.candidate.kind]
    return {
        "kind": fault.candidate.kind,
        "elements": list(fault.candidate.elements),
        "severity": {word: scale * fault.severity},
    }
