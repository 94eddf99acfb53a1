"""One record judged: where the true cause stands in the answer, and whether what the answer says is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BLOCKAGES = ("blocked_link", "closed_link")
BLAMED = (*BLOCKAGES, "open_boundary", "roughness_growth", "demand_growth", "leak")
"""Kinds that blame a pipe, a valve or a customer."""
LARGEST_GROUP = 5
ALIKE = 0.5
"""A cause of many elements is the true one where the two share at least half of all their elements."""

Cause = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a case. ``ranks``: the place of each true fault among the causes, None where it is not named.

    ``covered``: whether the interval of head lost holds the truth, for each fault named with an interval among the
    first five. ``blame``: the largest probability of a pipe, valve or customer that is not at fault;
    ``wrong_link`` the same of links alone. ``drawn_blind``: the case was not chosen for being visible;
    ``failed``: the diagnosis gave no answer, which is a miss, though it blames nobody.
    """

    case: str
    network: str
    half: str
    kind: str
    visible: bool
    moved_m: float
    ranks: tuple[int | None, ...]
    in_group: bool
    within_three: bool
    right_kind: bool
    leader: str
    leading_probability: float
    leader_true: bool
    true_probability: float
    healthy: float
    unexplained: float
    can_say: bool
    blame: float
    wrong_link: float
    covered: tuple[bool, ...]
    elapsed_s: float
    drawn_blind: bool
    failed: bool

    @property
    def single(self) -> bool:
        """Tell whether the case has one fault."""
        return len(self.ranks) == 1

    def hit(self, first: int) -> bool:
        """Tell whether every true fault is among the first so many causes."""
        return all(rank is not None and rank <= first for rank in self.ranks)


def judge(record: Mapping[str, Any]) -> Judged | None:
    """Judge a record; None where there was no such case."""
    if "none" in record:
        return None
    truth, answer = record["truth"], record["answer"] or {}
    faults: Sequence[Mapping[str, Any]] = truth["faults"]
    causes: Sequence[Cause] = answer.get("causes", [])
    ranks = tuple(_rank(causes, fault) for fault in faults)
    lead: Cause = causes[0] if causes else {"kind": "none", "elements": ["-"], "probability": 0.0}
    groups = answer.get("indistinguishable") or []
    wrong = [cause for cause in causes if not any(same(cause, fault) for fault in faults)]
    return Judged(
        case=record["case"],
        network=truth["network"],
        half=truth["half"],
        kind=truth["kind"],
        visible=bool(faults) and all(fault["visible"] for fault in faults),
        moved_m=min((fault["moved_m"] for fault in faults), default=0.0),
        ranks=ranks,
        in_group=any(_in_group(lead, groups, fault) for fault in faults),
        within_three=any(_within_three(lead, fault) for fault in faults),
        right_kind=any(_kind(lead["kind"]) == _kind(fault["kind"]) for fault in faults),
        leader=f"{lead['kind']} {' '.join(lead['elements'][:2])}",
        leading_probability=lead["probability"],
        leader_true=any(same(lead, fault) for fault in faults),
        true_probability=max((causes[rank - 1]["probability"] for rank in ranks if rank), default=0.0),
        healthy=float(answer.get("healthy_probability", 0.0)),
        unexplained=float(answer.get("unexplained_probability", 0.0)),
        can_say=bool(answer.get("can_say", False)),
        blame=max((cause["probability"] for cause in wrong if cause["kind"] in BLAMED), default=0.0),
        wrong_link=max((cause["probability"] for cause in wrong if cause["kind"] in BLOCKAGES), default=0.0),
        covered=tuple(
            _covered(causes, rank, fault) for rank, fault in zip(ranks, faults, strict=True) if _told(causes, rank)
        ),
        elapsed_s=float(answer.get("elapsed_s", 0.0)),
        drawn_blind=not record.get("chosen_visible", False),
        failed=bool(record["error"]),
    )


def same(cause: Cause, fault: Mapping[str, Any]) -> bool:
    """Tell whether a cause of an answer is a true fault."""
    if _kind(cause["kind"]) != _kind(fault["kind"]):
        return False
    named, true = set(cause["elements"]), set(fault["elements"])
    if fault["kind"] == "point_fault":
        return bool(named & true)
    return len(named & true) >= ALIKE * len(named | true)


def _kind(kind: str) -> str:
    return BLOCKAGES[0] if kind in BLOCKAGES else kind


def _rank(causes: Sequence[Cause], fault: Mapping[str, Any]) -> int | None:
    return next((place for place, cause in enumerate(causes, 1) if same(cause, fault)), None)


def _in_group(lead: Cause, groups: Sequence[Sequence[Cause]], fault: Mapping[str, Any]) -> bool:
    """Tell whether the fault leads, or is in the leader's group of at most five that cannot be told apart."""
    if same(lead, fault):
        return True
    mine = (group for group in groups if any(_is(lead, one) for one in group))
    return any(len(group) <= LARGEST_GROUP and any(same(one, fault) for one in group) for group in mine)


def _is(cause: Cause, other: Cause) -> bool:
    return _kind(cause["kind"]) == _kind(other["kind"]) and set(cause["elements"]) == set(other["elements"])


def _within_three(lead: Cause, fault: Mapping[str, Any]) -> bool:
    return lead["kind"] in BLOCKAGES and any(element in fault.get("near", {}) for element in lead["elements"])


def _told(causes: Sequence[Cause], rank: int | None) -> bool:
    return rank is not None and rank <= 5 and bool(causes[rank - 1].get("severity", {}).get("interval90"))


def _covered(causes: Sequence[Cause], rank: int | None, fault: Mapping[str, Any]) -> bool:
    if rank is None:
        return False
    severity = causes[rank - 1]["severity"]
    low, high = severity["interval90"]
    return bool(low <= fault.get("head_lost_m", {}).get(severity.get("at"), 0.0) <= high)
