"""What people know that the readings do not: works that explain them, and points that are not to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.problem import Problem


class WorksKind(StrEnum):
    """What is done in the network."""

    FLUSHING = "flushing"
    MAIN = "main"
    """A main is cut off, laid or renewed."""
    VALVE = "valve"
    """Valves are exercised or replaced."""
    FIRE = "fire"
    """Hydrants are opened by the fire brigade."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class WorksWindow:
    """A span in which works explain what the readings show, so that nobody is blamed for it.

    ``zones`` and ``elements`` say where; none of either is the whole network. ``ended`` is when a person said that the
    works were over before ``end``. ``id`` is 0 until it is kept.
    """

    kind: WorksKind
    start: datetime
    end: datetime
    reason: str
    by: str
    zones: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    ended: datetime | None = None
    id: int = 0

    def holds_at(self, time: datetime) -> bool:
        """Return whether the works go on at an instant."""
        return self.start <= time < (self.end if self.ended is None else min(self.end, self.ended))

    def touches(self, elements: frozenset[str], zones: frozenset[str]) -> bool:
        """Return whether the works may explain what is seen at elements that lie in zones."""
        everywhere = not self.zones and not self.elements
        return everywhere or bool(elements & set(self.elements)) or bool(zones & set(self.zones))


@dataclass(frozen=True, slots=True)
class OutOfScan:
    """A point whose readings are kept but raise no alarm and take no part in a diagnosis."""

    point: str
    reason: str
    by: str
    since: datetime


def works_problems(window: WorksWindow) -> list[Problem]:
    """Return what is wrong with a window as it stands."""
    problems = []
    if window.end <= window.start:
        said = f"ends {window.end.isoformat()}, not after its start {window.start.isoformat()}"
        problems.append(Problem(f"works: {said}"))
    if not window.reason.strip():
        problems.append(Problem("works: no reason given"))
    return problems
