"""Patience with wrong passwords: the more of them, the longer the wait before the next is looked at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

FREE_TRIES = 3
"""Wrong passwords that cost no wait: people mistype."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
FORGOTTEN_S = 900.0
"""How long after the last wrong try a name or an address is clean again."""
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Tries:
    wrong: int
    last: float


class Patience:
    """Counts wrong tries by name and by address. Kept in memory: a restart forgives."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nobody known; ``clock`` counts seconds and never goes back."""
        self._clock = clock
        self._tries: dict[str, _Tries] = {}
        self._lock = threading.Lock()

    def wait_s(self, *keys: str) -> float:
        """Return how long whoever has one of these keys must still wait [s]; 0 for not at all."""
        now = self._clock()
        with self._lock:
            return max([0.0, *(self._ends(self._tries[key]) - now for key in keys if key in self._tries)])

    def was_wrong(self, *keys: str) -> int:
        """Remember a wrong try under keys and return how many there were under the worst of them."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            for key in keys:
                before = self._tries.get(key, _Tries(0, now))
                self._tries[key] = _Tries(before.wrong + 1, now)
            return max(self._tries[key].wrong for key in keys)

    def was_right(self, *keys: str) -> None:
        """Forget wrong tries under keys."""
        with self._lock:
            for key in keys:
                self._tries.pop(key, None)

    def _ends(self, tries: _Tries) -> float:
        over = tries.wrong - FREE_TRIES
        wait = 0.0 if over < 0 else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(over, 30))
        return tries.last + wait

    def _forget(self, now: float) -> None:
        clean = [key for key, tries in self._tries.items() if now - tries.last > FORGOTTEN_S]
        for key in clean:
            del self._tries[key]
        while len(self._tries) >= MOST_REMEMBERED:
            del self._tries[next(iter(self._tries))]
