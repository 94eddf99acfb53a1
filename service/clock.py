"""What time it is for the people: the plant's where the site runs on its devices' clocks, the wall's otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from models.site import Site


class PlantClock(Protocol):
    """What is needed of the records."""

    def plant_time(self) -> datetime | None:
        """Return the newest plant time that any process has said."""
        ...


def site_now(site: Site, records: PlantClock, wall: datetime) -> datetime:
    """Return the present of a site; ``wall`` where nothing has said the plant's time yet."""
    plant = records.plant_time() if site.clock == "device" else None
    return plant or wall
