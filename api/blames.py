"""Which alarms a kept diagnosis speaks of. It never changes once it is kept, so that it is opened once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from models.alarm import diagnosis_key
from stores.records import Records

RECENT = 20
"""How many kept diagnoses are looked through for the one that speaks of an alarm."""
Blames = Callable[[int], tuple[str, ...]]


def blames_of(records: Records) -> Blames:
    """Return what tells the keys of the alarms that the diagnosis of an id speaks of; it remembers the latest."""

    @lru_cache(maxsize=2 * RECENT)
    def blames(diagnosis_id: int) -> tuple[str, ...]:
        causes = records.diagnosis(diagnosis_id)["causes"]
        return tuple(diagnosis_key(cause["kind"], cause["elements"]) for cause in causes)

    return blames
