"""A complaint: a customer says, in the customer's words, that the pressure is low."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ComplaintStatus(StrEnum):
    """How far the answer is."""

    REGISTERED = "registered"
    """Nobody has looked at it yet; the next cycle of the monitor does."""
    DIAGNOSED = "diagnosed"
    """A diagnosis was made for the customer's node."""
    CLOSED = "closed"
    """The work is done and the customer has been answered."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a customer said and where it hurts.

    ``time`` is when it was raised, in UTC. ``reading_m`` is the pressure at the customer's own gauge [m], where there
    is one. ``raised_by`` is the person who took it down. ``id`` is 0 until it is kept.
    """

    customer_id: str
    node: str
    time: datetime
    words: str
    reading_m: float | None = None
    raised_by: str = ""
    status: ComplaintStatus = ComplaintStatus.REGISTERED
    diagnosis_id: int | None = None
    id: int = 0

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError(
                f"complaint of {self.customer_id}: time {self.time.isoformat()} is naive, expected an offset"
            )
