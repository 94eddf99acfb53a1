"""How each device is doing, as the lines that attend them have seen it last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

SKEW_TOLD_S = 10.0
"""A device's clock that is further off than this from the wall's is said, once."""
_SMOOTH = 0.1
"""What the newest answer counts in the mean of the last ones."""


@dataclass
class DeviceHealth:
    """One device. Times in wall seconds; ``skew_s`` is by how much its clock is ahead, None where it tells none."""

    name: str
    protocol: str
    points: int
    state: str = "not asked yet"
    why: str = ""
    since: datetime | None = None
    answers: int = 0
    failures: int = 0
    samples: int = 0
    latency_s: float = 0.0
    late_s: float = 0.0
    skew_s: float | None = None
    bad: int = 0

    @property
    def good_share(self) -> float:
        """The share of its points whose newest sample is not bad; 0 while none was read."""
        if self.points == 0 or not self.samples:
            return 0.0
        return 1.0 - self.bad / self.points

    def took(self, latency_s: float, late_s: float) -> None:
        """Note an answer: how long it took, and how late it was asked for."""
        self.answers += 1
        self.latency_s += (latency_s - self.latency_s) * (_SMOOTH if self.answers > 1 else 1.0)
        self.late_s = late_s


@dataclass
class Health:
    """Every device of a site, and what waits between them and the store [samples].

    ``dropped`` counts samples that are gone, ``set_aside`` those that the store would not take or the disk has spoilt;
    ``spool_share`` is what the spool holds of what it may.
    """

    site: str = ""
    devices: dict[str, DeviceHealth] = field(default_factory=dict)
    in_memory: int = 0
    in_spool: int = 0
    spool_share: float = 0.0
    dropped: int = 0
    set_aside: int = 0
