"""The rows of the table: what the judged cases add up to, each beside what is to be reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.diagnosis.judge import Judged, judge
from benchmarks.diagnosis.rows import REPORTED, Asked, Row

BINS = 10
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Calibration:
    """Leading causes by their probability: (bin's mean probability, share that is true, count), and the error.

    ``excess``: expected calibration error above the mean one of an answer that is right as often as it says.
    """

    bins: tuple[tuple[float, float, int], ...]
    error: float
    perfect: float

    @property
    def excess(self) -> float:
        """Return the error above a perfect answer's."""
        return self.error - self.perfect


@dataclass(frozen=True, slots=True)
class Score:
    """Everything that is reported of some records."""

    judged: tuple[Judged, ...]
    rows: tuple[Row, ...]
    errors: tuple[str, ...]
    missing: tuple[str, ...]


def score(records: Iterable[Mapping[str, Any]]) -> Score:
    """Return the rows for all records."""
    kept = list(records)
    judged = tuple(one for one in map(judge, kept) if one is not None)
    drawn = [one for one in judged if one.kind == "blocked_link" and one.drawn_blind]
    rows = [
        Row(
            "consequential blockages that are visible",
            REPORTED,
            share(drawn, lambda one: one.visible),
            len(drawn),
        ),
        Row("cases that got no answer", Asked(most=0.0), share(judged, lambda one: one.failed), len(judged)),
        *_blockages(judged, "all"),
        *(row for half in ("plain", "departed") for row in _halves(judged, half)),
        *_kinds(judged),
        *_pairs(judged),
        _departed_against_plain(judged),
    ]
    return Score(
        judged,
        tuple(rows),
        tuple(f"{one['case']}: {one['error']}" for one in kept if one.get("error")),
        tuple(f"{one['case']}: {one['none']}" for one in kept if "none" in one),
    )


def calibration(judged: Sequence[Judged]) -> Calibration:
    """Return how often leading causes are true against how likely they are called."""
    said = np.array([one.leading_probability for one in judged])
    true = np.array([one.leader_true for one in judged], dtype=float)
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    draws = (np.random.default_rng(0).random((_DRAWS, len(said))) < said).astype(float)
    perfect = float(np.mean([_error(said, draw, place) for draw in draws])) if len(said) else 0.0
    bins = tuple(
        (float(said[place == one].mean()), float(true[place == one].mean()), int((place == one).sum()))
        for one in np.unique(place)
    )
    return Calibration(bins, _error(said, true, place), perfect)


def by_network(judged: Sequence[Judged], what: Callable[[Judged], bool]) -> dict[str, float]:
    """Return the share of cases of which something holds, network by network."""
    networks = dict.fromkeys(one.network for one in judged)
    return {network: share([one for one in judged if one.network == network], what) for network in networks}


def mean(judged: Sequence[Judged], what: Callable[[Judged], bool]) -> float:
    """Return the mean over networks of the share of cases of which something holds; NaN of none."""
    shares = by_network(judged, what).values()
    return sum(shares) / len(shares) if shares else math.nan


def share(judged: Sequence[Judged], what: Callable[[Judged], bool]) -> float:
    """Return the share of cases of which something holds; NaN of none."""
    return sum(map(what, judged)) / len(judged) if judged else math.nan


def _error(said: np.ndarray[Any, np.dtype[np.float64]], true: Any, place: Any) -> float:
    """Return the expected calibration error: gaps of the bins, weighed by their counts."""
    if len(said) == 0:
        return 0.0
    gaps = np.abs(np.bincount(place, said - true, BINS))
    return float(gaps.sum() / len(said))


def _blockages(judged: Sequence[Judged], half: str) -> list[Row]:
    drawn = [one for one in judged if one.kind == "blocked_link" and half in ("all", one.half)]
    seen = [one for one in drawn if one.visible]
    unseen = [one for one in drawn if not one.visible]
    each = by_network(seen, lambda one: one.hit(5))
    means: list[tuple[str, float, Callable[[Judged], bool]]] = [
        ("in the leading group", 0.60, lambda one: one.in_group),
        ("among the first 5", 0.90, lambda one: one.hit(5)),
        ("first within 3 links", 0.88, lambda one: one.within_three),
    ]
    return [
        *(
            Row(f"{half}: visible blockage {words}, mean over networks", Asked(floor), mean(seen, what), len(seen))
            for words, floor, what in means
        ),
        Row(f"{half}: the same, first 5, worst network ({_worst(each)})", Asked(0.75), _least(each), len(seen)),
        Row(f"{half}: all blockages among the first 5", REPORTED, share(drawn, lambda one: one.hit(5)), len(drawn)),
        Row(
            f"{half}: invisible blockages, cannot say or no wrong link p >= 0.5",
            Asked(0.97),
            share(unseen, lambda one: not one.can_say or one.wrong_link < 0.5),
            len(unseen),
        ),
    ]


def _halves(judged: Sequence[Judged], half: str) -> list[Row]:
    mine = [one for one in judged if one.half == half]
    sound = [one for one in mine if one.kind == "healthy"]
    each = by_network(sound, lambda one: one.blame >= 0.5)
    told = [covered for one in mine for covered in one.covered]
    held = sum(told) / len(told) if told else math.nan
    found = calibration(mine)
    return [
        Row(f"{half}: healthy windows with false blame", Asked(most=0.01), share(sound, _blames), len(sound)),
        Row(f"{half}: the same, worst network", Asked(most=0.03), max(each.values(), default=math.nan), len(sound)),
        Row(
            f"{half}: calibration error above a perfect answer's ({found.error:.3f} - {found.perfect:.3f})",
            Asked(most=0.05),
            found.excess if mine else math.nan,
            len(mine),
        ),
        Row(f"{half}: 90 % interval of head lost holds the truth", Asked(0.85, 0.95), held, len(told)),
        *_blockages(judged, half),
    ]


def _kinds(judged: Sequence[Judged]) -> list[Row]:
    rows = []
    for kind in dict.fromkeys(one.kind for one in judged if one.single):
        seen = [one for one in judged if one.kind == kind and one.visible]
        rows.append(
            Row(f"right kind first, visible {kind}", Asked(0.90), share(seen, lambda one: one.right_kind), len(seen))
        )
        if kind != "blocked_link":
            hits = share(seen, lambda one: one.hit(5))
            rows.append(Row(f"among the first 5, visible {kind}", REPORTED, hits, len(seen)))
    return rows


def _pairs(judged: Sequence[Judged]) -> list[Row]:
    seen = [one for one in judged if one.kind == "pair" and one.visible]
    both = share(seen, lambda one: one.hit(5))
    return [Row("two faults, both visible: both among the first 5", Asked(0.75), both, len(seen))]


def _departed_against_plain(judged: Sequence[Judged]) -> Row:
    seen = [one for one in judged if one.kind == "blocked_link" and one.visible]
    plain, departed = (
        mean([one for one in seen if one.half == half], lambda one: one.hit(5)) for half in ("plain", "departed")
    )
    ratio = departed / plain if plain else math.nan
    what = f"departed against plain, first 5 of visible ({departed:.2f} / {plain:.2f})"
    return Row(what, Asked(0.85), ratio, len(seen))


def _blames(one: Judged) -> bool:
    return one.blame >= 0.5


def _worst(shares: Mapping[str, float]) -> str:
    return min(shares, key=lambda network: shares[network], default="-")


def _least(shares: Mapping[str, float]) -> float:
    return min(shares.values(), default=math.nan)
