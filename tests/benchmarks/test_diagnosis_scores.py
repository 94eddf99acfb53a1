"""The scorer of the diagnosis benchmark, on records whose score is plain to see."""

from typing import Any

import numpy as np
import pytest

from benchmarks.diagnosis.judge import judge
from benchmarks.diagnosis.score import calibration


def record(causes: list[tuple[str, str, float]], **more: Any) -> dict[str, Any]:
    fault = {"kind": "blocked_link", "elements": ["P-1"], "visible": True, "moved_m": 1.0, "near": {"P-1": 0, "P-2": 1}}
    fault |= {"head_lost_m": {"J-1": 4.0}}
    truth = {"network": "Net", "half": "plain", "kind": "blocked_link", "faults": [fault]}
    answer = {
        "causes": [
            {"kind": kind, "elements": [element], "probability": probability, "severity": {}}
            for kind, element, probability in causes
        ],
        "indistinguishable": more.get("groups", []),
        "can_say": True,
    }
    return {"case": "Net.plain.blocked_link.1.0", "truth": truth, "answer": answer, "error": ""}


def judged(causes: list[tuple[str, str, float]], **more: Any) -> Any:
    return judge(record(causes, **more))


def test_a_closed_link_is_a_blocked_one() -> None:
    assert judged([("closed_link", "P-1", 0.9)]).ranks == (1,)


def test_a_leak_is_not_a_blocked_link() -> None:
    assert judged([("leak", "P-1", 0.9)]).ranks == (None,)


def test_the_rank_counts_the_causes_before() -> None:
    one = judged([("leak", "J-1", 0.5), ("blocked_link", "P-2", 0.3), ("blocked_link", "P-1", 0.1)])
    assert one.ranks == (3,)
    assert not one.right_kind
    assert not one.within_three


@pytest.mark.parametrize(("size", "credited"), [(5, True), (6, False)])
def test_a_leading_group_of_at_most_five_is_credited(size: int, credited: bool) -> None:
    group = [{"kind": "blocked_link", "elements": [f"P-{place}"]} for place in range(size, 0, -1)]
    one = judged([("blocked_link", f"P-{size}", 0.5), ("blocked_link", "P-1", 0.4)], groups=[group])
    assert one.in_group is credited


def test_a_neighbour_that_leads_is_within_three_links_and_blamed_wrongly() -> None:
    one = judged([("blocked_link", "P-2", 0.8), ("blocked_link", "P-1", 0.2)])
    assert one.within_three
    assert one.wrong_link == pytest.approx(0.8)
    assert not one.leader_true


def test_an_interval_covers_the_truth_where_the_cause_is_named() -> None:
    one = record([("blocked_link", "P-1", 0.9)])
    for low, high, covered in ((3.0, 5.0, True), (4.5, 5.0, False)):
        one["answer"]["causes"][0]["severity"] = {"at": "J-1", "interval90": [low, high]}
        found = judge(one)
        assert found is not None
        assert found.covered == (covered,)


def test_an_honest_answer_has_no_calibration_error_above_a_perfect_one() -> None:
    rng = np.random.default_rng(1)
    said = rng.random(2000)
    right = rng.random(2000) < said
    cases = [
        judged([("blocked_link", "P-1" if true else "P-9", float(probability))])
        for probability, true in zip(said, right, strict=True)
    ]
    assert abs(calibration(cases).excess) < 0.02
    boast = [judged([("blocked_link", "P-1" if true else "P-9", 0.95)]) for true in right]
    assert calibration(boast).excess > 0.3
