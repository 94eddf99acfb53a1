"""A hand reading: what a crew's own gauge showed at a hydrant or tap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class HandReading:
    """Pressure at a node above the ground there, read by a named person.

    ``value_m`` [m of water]; ``time`` in UTC; ``complaint_id`` and ``order_id`` say what it was taken for, 0 for none.
    """

    node: str
    time: datetime
    value_m: float
    by: str
    complaint_id: int = 0
    order_id: int = 0
    id: int = 0

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError(f"reading at {self.node}: time {self.time.isoformat()} is naive, expected an offset")
