"""Samples as columns: one array a field, for stores that keep and move them by the million.

A :class:`~models.sample.Sample` is what people and rules look at; making one costs more than keeping it. Between the
spool and a store, and from a store to a trend, samples stay columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.sample import Quality, Sample, samples_of
from stores.instant import EPOCH, MICROSECOND, instants

_T = TypeVar("_T")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

QUALITIES = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD)
"""A quality's place here is its code; good is 0."""
CODES = {quality: code for code, quality in enumerate(QUALITIES)}
_PART = 10_000
"""Samples that are made at once for whoever goes through them."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """N samples. ``point`` and ``reason`` count in ``points`` and ``reasons``; a value that is not finite is NaN.

    ``time``: (N,) [µs since 1970-01-01 UTC], ``value``: (N,) [the point's unit], ``quality``: (N,) places in QUALITIES.
    """

    points: tuple[str, ...]
    reasons: tuple[str, ...]
    point: Ints
    time: Ints
    value: Floats
    quality: Codes
    reason: Ints

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Columns:
        """Return samples as columns; columns as they are."""
        if isinstance(samples, Columns):
            return samples
        given = samples if isinstance(samples, Sequence) else list(samples)
        points: dict[str, int] = {}
        reasons: dict[str, int] = {}
        value = np.array([float(one.value) for one in given], np.float64)
        value[~np.isfinite(value)] = math.nan
        return cls(
            # Numbered in the order of their coming; evaluated before the names are taken.
            point=np.array([points.setdefault(one.point, len(points)) for one in given], np.int64),
            reason=np.array([reasons.setdefault(one.reason, len(reasons)) for one in given], np.int64),
            time=np.array([(one.time - EPOCH) // MICROSECOND for one in given], np.int64),
            value=value,
            quality=np.array([CODES[one.quality] for one in given], np.uint8),
            points=tuple(points),
            reasons=tuple(reasons),
        )

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.time)

    def __iter__(self) -> Iterator[Sample]:
        """Yield each sample."""
        for first in range(0, len(self), _PART):
            yield from self.take(slice(first, first + _PART)).samples()

    def samples(self) -> list[Sample]:
        """Return the samples, all at once."""
        return samples_of(
            _looked_up(self.points, self.point),
            instants(self.time),
            self.value.tolist(),
            _looked_up(QUALITIES, self.quality),
            _looked_up(self.reasons, self.reason),
        )

    def take(self, which: slice | Ints | NDArray[np.bool_]) -> Columns:
        """Return some of the samples, by slice, places or mask."""
        return replace(
            self,
            point=self.point[which],
            time=self.time[which],
            value=self.value[which],
            quality=self.quality[which],
            reason=self.reason[which],
        )

    def compact(self) -> Columns:
        """Return the samples without names and reasons that none of them has."""
        points, point = _used(self.points, self.point)
        reasons, reason = _used(self.reasons, self.reason)
        return replace(self, points=points, reasons=reasons, point=point, reason=reason)

    def in_order_of_time(self) -> Columns:
        """Return the samples by time; those of one instant stay as they are."""
        if len(self) < 2 or bool((self.time[1:] >= self.time[:-1]).all()):
            return self
        return self.take(np.argsort(self.time, kind="stable"))


def nothing() -> Columns:
    """Return no samples."""
    return Columns.of([])


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the samples of all parts, one after the other."""
    if len(parts) < 2:
        return parts[0] if parts else nothing()
    point, points = _renumbered([(part.point, part.points) for part in parts])
    reason, reasons = _renumbered([(part.reason, part.reasons) for part in parts])
    return Columns(
        point=point,
        reason=reason,
        time=np.concatenate([part.time for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        quality=np.concatenate([part.quality for part in parts]),
        points=points,
        reasons=reasons,
    )


def _renumbered(parts: Sequence[tuple[Ints, tuple[str, ...]]]) -> tuple[Ints, tuple[str, ...]]:
    """Return columns of numbers that each count in names of its own as one that counts in all names."""
    places: dict[str, int] = {}
    # A device's samples have the very same names each time, and those are looked up once.
    numbers: dict[int, Ints] = {}
    columns = []
    for column, names in parts:
        if id(names) not in numbers:
            numbers[id(names)] = np.array([places.setdefault(name, len(places)) for name in names], np.int64)
        columns.append(numbers[id(names)][column])
    return np.concatenate(columns), tuple(places)


def _looked_up(words: Sequence[_T], column: Ints | Codes) -> list[_T]:
    """Return the word that each place of a column stands for."""
    found: list[_T] = np.array(words, np.object_)[column].tolist()
    return found


def _used(names: tuple[str, ...], column: Ints) -> tuple[tuple[str, ...], Ints]:
    """Return the names that are counted in, and a column that counts in them."""
    used = np.zeros(len(names), np.bool_)
    used[column] = True
    if used.all():
        return names, column
    return tuple(name for name, one in zip(names, used.tolist(), strict=True) if one), (np.cumsum(used) - 1)[column]
