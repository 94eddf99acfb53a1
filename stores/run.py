"""A run: the samples of one point by time, each instant once; how runs are merged, cut and averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stores.columns import Codes, Floats, Ints
from stores.packing import pack, unpack

MOST = 4096
"""Samples in a block on disk: three days of minutes, an hour of seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """N samples of a point: time [µs], value, place of the quality, number of the reason."""

    time: Ints
    value: Floats
    quality: Codes
    reason: Ints

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.time)

    def cut(self, first: int, last: int) -> Run:
        """Return the samples at places ``first`` to before ``last``."""
        which = slice(first, last)
        return Run(self.time[which], self.value[which], self.quality[which], self.reason[which])

    def between(self, start: int, end: int) -> Run:
        """Return the samples with ``start <= time < end`` [µs]."""
        first, last = np.searchsorted(self.time, (start, end))
        return self.cut(int(first), int(last))

    def pieces(self) -> Iterator[Run]:
        """Yield runs of a block's length, the last one up to half as long again: late samples need room."""
        first = 0
        while len(self) - first > MOST * 3 // 2:
            yield self.cut(first, first + MOST)
            first += MOST
        yield self.cut(first, len(self))

    def packed(self) -> bytes:
        """Return the run as bytes."""
        return pack((self.time, self.value, self.quality, self.reason))


def unpacked(content: bytes) -> Run:
    """Return the run; raises :class:`stores.packing.Spoilt`."""
    return Run(*unpack(content))  # type: ignore[arg-type]


def merged(runs: Sequence[Run]) -> Run:
    """Return all samples by time; of those at one instant the one from the latest run."""
    held = [run for run in runs if len(run)]
    if len(held) == 1:
        return held[0]
    time = np.concatenate([run.time for run in held]) if held else np.empty(0, np.int64)
    whole = Run(
        time,
        np.concatenate([run.value for run in held]) if held else np.empty(0),
        np.concatenate([run.quality for run in held]) if held else np.empty(0, np.uint8),
        np.concatenate([run.reason for run in held]) if held else np.empty(0, np.int64),
    )
    if bool((time[1:] > time[:-1]).all()):
        return whole
    order = np.argsort(time, kind="stable")
    ordered = time[order]
    order = order[np.append(ordered[1:] != ordered[:-1], True)]
    return Run(time[order], whole.value[order], whole.quality[order], whole.reason[order])


def apart(runs: Sequence[Run]) -> Sequence[Run]:
    """Return runs none of which begins before the last has ended: those that are so already, else one of them all."""
    held = [run for run in runs if len(run)]
    if held and all(run.time[-1] < after.time[0] for run, after in pairwise(held)):
        return held
    return [merged(held)]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Good samples of a point over steps of time: begin of each [µs], sum, lowest, highest and count of the values."""

    time: Ints
    total: Floats
    low: Floats
    high: Floats
    count: Ints

    def between(self, start: int, end: int) -> Steps:
        """Return the steps that begin at ``start`` or later and before ``end`` [µs]."""
        first, last = np.searchsorted(self.time, (start, end))
        which = slice(int(first), int(last))
        return Steps(self.time[which], self.total[which], self.low[which], self.high[which], self.count[which])

    def packed(self) -> bytes:
        """Return the steps as bytes."""
        return pack((self.time, self.total, self.low, self.high, self.count))


def steps_unpacked(content: bytes) -> Steps:
    """Return the steps; raises :class:`stores.packing.Spoilt`."""
    return Steps(*unpack(content))  # type: ignore[arg-type]


def steps_of(run: Run, begin: int, step: int) -> Steps:
    """Return the good samples of a run over steps [µs] that begin at ``begin``; empty steps are left out."""
    good = (run.quality == 0) & np.isfinite(run.value)
    time, value = (run.time, run.value) if bool(good.all()) else (run.time[good], run.value[good])
    return _reduced(Steps(time, value, value, value, np.ones(len(time), np.int64)), begin, step)


def steps_joined(parts: Sequence[Steps], begin: int, step: int) -> Steps:
    """Return finer steps, and those that stand twice, over steps that begin at ``begin``."""
    if len(parts) == 1:
        return _reduced(parts[0], begin, step)
    time = np.concatenate([part.time for part in parts])
    order = np.argsort(time, kind="stable")
    fine = Steps(
        time[order],
        np.concatenate([part.total for part in parts])[order],
        np.concatenate([part.low for part in parts])[order],
        np.concatenate([part.high for part in parts])[order],
        np.concatenate([part.count for part in parts])[order],
    )
    return _reduced(fine, begin, step)


def _reduced(fine: Steps, begin: int, step: int) -> Steps:
    if not len(fine.time):
        return fine
    place = (fine.time - begin) // step
    first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    return Steps(
        begin + place[first] * step,
        np.add.reduceat(fine.total, first),
        np.minimum.reduceat(fine.low, first),
        np.maximum.reduceat(fine.high, first),
        np.add.reduceat(fine.count, first),
    )
