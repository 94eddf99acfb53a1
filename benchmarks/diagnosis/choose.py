"""Which cases a run is of: so many of each kind on each network, perhaps only those that the points can see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

from benchmarks.diagnosis.case import Spec, make, truth_of
from benchmarks.diagnosis.draw import NoSuchCase
from benchmarks.diagnosis.run import Workers

MOST_DRAWS = 12
"""How many cases are drawn for each that is wanted, where many of a kind cannot be seen."""


@dataclass(frozen=True, slots=True)
class Group:
    """All cases of a kind on a network in a half under a seed."""

    network: str
    half: str
    kind: str
    seed: int


def choose(groups: Sequence[Group], first: int, count: int, visible: bool, cache: Path, workers: Workers) -> list[Spec]:
    """Return ``count`` cases of each group, one of each in turn, drawing them as far as that needs."""
    if not visible:
        return [_spec(group, index) for index in range(first, first + count) for group in groups]
    chosen = list(workers.map(partial(_visible, first=first, count=count, cache=cache), groups))
    return [spec for turn in zip_longest(*chosen) for spec in turn if spec is not None]


def _visible(group: Group, first: int, count: int, cache: Path) -> list[Spec]:
    return list(_first(count, _seen(group, first, first + MOST_DRAWS * count, cache)))


def _seen(group: Group, first: int, end: int, cache: Path) -> Iterator[Spec]:
    for index in range(first, end):
        spec = _spec(group, index)
        try:
            truth = truth_of(make(spec, cache))
        except NoSuchCase:
            return
        if all(fault["visible"] for fault in truth["faults"]):
            yield spec


def _first(count: int, specs: Iterator[Spec]) -> Iterator[Spec]:
    return (spec for _, spec in zip(range(count), specs, strict=False))


def _spec(group: Group, index: int) -> Spec:
    return Spec(group.network, group.half, group.kind, group.seed, index)
