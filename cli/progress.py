"""Progress of what takes longer than a second, on standard error."""

from __future__ import annotations

import sys
import time

TOLD_S = 1.0
"""How often it is told."""


class Progress:
    """Counts samples."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._count = 0
        self._told = time.monotonic()

    def add(self, count: int) -> None:
        """Count more of them, and tell now and then."""
        self._count += count
        if time.monotonic() - self._told >= TOLD_S:
            self._told = time.monotonic()
            sys.stderr.write(f"{self._what}: {self._count}\n")

    def end(self) -> int:
        """Return how many there were."""
        return self._count
