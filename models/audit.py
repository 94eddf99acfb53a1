"""An entry of the audit trail: who changed what, and when. The trail only grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. ``time`` is the time the person's action carries, ``written`` the machine's clock when it was kept.

    ``subject`` names the thing changed: ``alarm/limit/PT-07/low``, ``order/3``, ``complaint/12``.
    """

    number: int
    time: datetime
    written: datetime
    by: str
    action: str
    subject: str
    content: Mapping[str, Any] = field(default_factory=dict)
