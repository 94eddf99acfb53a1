"""Random numbers that are a pure function of seed, stream and time.

The plant skips steps when it falls behind and a history starts where it likes: with a generator that is drawn from in
order, each of them would see another plant. Here every instant has its own block of a counter-based generator (Philox,
Salmon et al. 2011, doi:10.1145/2063384.2063405), so the same seed and time give the same numbers whatever came before.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from math import cos, floor, pi, sin

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_WORD = 2**64 - 1


class Stream(IntEnum):
    """What the numbers are for; streams are independent of each other."""

    DEMAND = 1
    WALK = 2
    GAUGE = 3
    TOTALISER = 4
    CREW = 5


def _generator(seed: int, stream: Stream, tick: int, item: int) -> np.random.Generator:
    key = np.array([seed & _WORD, stream], dtype=np.uint64)
    counter = np.array([0, item & _WORD, tick & _WORD, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normals(seed: int, stream: Stream, tick: int, count: int, item: int = 0) -> Floats:
    """Return standard normal numbers (count,) that belong to ``tick`` (a count of time slots) and ``item``."""
    return _generator(seed, stream, tick, item).standard_normal(count)


def uniform(seed: int, stream: Stream, tick: int, item: int = 0) -> float:
    """Return one number in [0, 1)."""
    return float(_generator(seed, stream, tick, item).random())


@lru_cache(maxsize=4096)
def _knot(seed: int, item: int, tick: int) -> float:
    return float(normals(seed, Stream.WALK, tick, 1, item)[0])


def walk(seed: int, item: int, time_s: float, spacing_s: float) -> float:
    """Return a slow standard normal process at ``time_s`` [s].

    Independent normal knots every ``spacing_s`` [s] are joined by a quarter circle, whose weights keep the variance at
    exactly 1 between the knots too.
    """
    position = time_s / spacing_s
    tick = floor(position)
    angle = (position - tick) * pi / 2.0
    return cos(angle) * _knot(seed, item, tick) + sin(angle) * _knot(seed, item, tick + 1)
