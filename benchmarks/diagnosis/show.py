"""Scores and cases as text: a table for documents, a line a case for whoever mends the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.diagnosis.judge import Judged, judge, same
from benchmarks.diagnosis.rows import table
from benchmarks.diagnosis.score import Score, by_network


def tables(score: Score) -> str:
    """Return the rows, visible blockages network by network, and what went wrong."""
    lines = [table([row for row in score.rows if row.count]), "", *network_table(score.judged)]
    lines += [f"error: {one}" for one in score.errors]
    if score.missing:
        lines.append(f"{len(score.missing)} cases do not exist: no such fault costs anybody 3 m there")
    return "\n".join(lines)


def network_table(judged: Sequence[Judged]) -> list[str]:
    """Return the lines of a table of visible blockages, network by network."""
    seen = [one for one in judged if one.kind == "blocked_link" and one.visible]
    columns = [
        by_network(seen, lambda one: one.in_group),
        by_network(seen, lambda one: one.hit(1)),
        by_network(seen, lambda one: one.hit(5)),
        by_network(seen, lambda one: one.within_three),
    ]
    head = "| network | visible blockages | leading group | first | first 5 | first within 3 links |"
    lines = [head, "|---|---|---|---|---|---|"]
    for network in columns[0]:
        count = sum(one.network == network for one in seen)
        lines.append(f"| {network} | {count} | " + " | ".join(f"{column[network]:.2f}" for column in columns) + " |")
    return lines


def case_line(record: Mapping[str, Any]) -> str:
    """Return a line: the truth, its rank, the leader. ``!`` marks a visible fault that is not among the first five."""
    one = judge(record)
    if one is None:
        return f"  {record['case']:44} no such case: {record['none']}"
    if record["error"]:
        return f"! {one.case:44} ERROR {record['error']}"
    missed = one.kind != "healthy" and one.visible and not one.hit(5)
    blamed = one.blame >= 0.5
    true = " + ".join(_told(fault) for fault in record["truth"]["faults"]) or "healthy"
    ranks = ",".join("-" if rank is None else str(rank) for rank in one.ranks) or "-"
    seen = "visible" if one.visible else "unseen"
    mark = "!" if missed else "x" if blamed else " "
    return (
        f"{mark} {one.case:44} rank {ranks:>4} {seen:7} moved {one.moved_m:5.2f} m  {true}"
        f"  leader {one.leader} p {one.leading_probability:.2f}{' group' if one.in_group else ''}"
        f"  true p {one.true_probability:.2f}  healthy {one.healthy:.2f} none {one.unexplained:.2f}"
        f"  can_say {one.can_say}  {record['draw_s']:.1f} + {record['diagnose_s']:.1f} s"
    )


def explained(record: Mapping[str, Any]) -> str:
    """Return a case at length: the truth, then the first causes with the true ones marked."""
    if "none" in record or record["error"]:
        return case_line(record)
    faults: Sequence[Mapping[str, Any]] = record["truth"]["faults"]
    answer = record["answer"]
    lines = [case_line(record)]
    for fault in faults:
        lines.append(
            f"true: {_told(fault)} {fault.get('severity_of', fault.get('way', ''))} {fault['severity']:.4g}"
            f" since {fault['onset']}, at most {fault['moved_m']:.2f} m at a point,"
            f" {fault.get('peak_loss_m', 0.0):.2f} m at {fault.get('worst_customer', '-')}"
        )
    for place, cause in enumerate(answer["causes"][:20], 1):
        mark = "*" if any(same(cause, fault) for fault in faults) else " "
        severity = cause["severity"]
        at = severity.get("at")
        really = [fault["head_lost_m"].get(at, 0.0) for fault in faults if same(cause, fault) and at]
        interval = severity.get("interval90")
        lines.append(
            f"{mark}{place:3} {100 * cause['probability']:5.1f} % {cause['kind']} {' '.join(cause['elements'][:3])}"
            f"  {severity.get('head_lost_m', float('nan')):.2f} m at {at} {interval}"
            + (f" really {really[0]:.2f}" if really else "")
            + f" since {cause.get('onset')}"
        )
    lines.append(f"healthy {answer['healthy_probability']:.3f} none of these {answer['unexplained_probability']:.3f}")
    for group in answer.get("indistinguishable") or []:
        lines.append("alike: " + ", ".join(f"{one['kind']} {' '.join(one['elements'][:2])}" for one in group))
    return "\n".join(lines)


def _told(fault: Mapping[str, Any]) -> str:
    more = f"(+{len(fault['elements']) - 2})" if len(fault["elements"]) > 2 else ""
    return f"{fault.get('drawn_as', fault['kind'])} {' '.join(fault['elements'][:2])}{more}"
