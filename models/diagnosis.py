"""A diagnosis as it is kept: one versioned JSON document, and where it came from.

The document is the answer of ``hydro diagnose`` with ``schema``, ``affected_customers`` and ``complaint`` beside it; it
crosses every border as it is, so it has no second set of types here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SCHEMA = 1
"""The version of the document that this house writes and reads."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DiagnosisEntry:
    """What a list of diagnoses shows without opening the documents.

    ``trigger`` says what asked for it: ``cycle``, ``complaint/12``, ``command``.
    """

    id: int
    kept: datetime
    trigger: str
    window_start: datetime
    window_end: datetime
    complaint_id: int | None = None


def joint_probability(document: Document, cause: Mapping[str, Any]) -> float:
    """Return the probability of a cause or of any that these points cannot tell apart from it.

    Two links in series share one probability between them: each alone may look unlikely while the trouble is certain.
    """
    named = _named(cause)
    group = next((names for names in _groups(document) if named in names), {named})
    known = {_named(one): float(one["probability"]) for one in document.get("causes", ())}
    return min(1.0, max(float(cause["probability"]), sum(known.get(name, 0.0) for name in group)))


def alike(document: Document, cause: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return (kind, elements) of the causes that these points cannot tell apart from ``cause``, without itself."""
    named = _named(cause)
    group = next((names for names in _groups(document) if named in names), ())
    return tuple(name for name in group if name != named)


def _groups(document: Document) -> list[list[tuple[str, tuple[str, ...]]]]:
    return [[_named(member) for member in group] for group in document.get("indistinguishable") or ()]


def _named(cause: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    return str(cause["kind"]), tuple(cause["elements"])
