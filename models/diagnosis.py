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
