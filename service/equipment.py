"""What a crew brings, by the kind of cause: a table, to be edited by who knows the crews."""

from __future__ import annotations

from models.order import Item

SIZED = "sized"
PLAIN = "plain"

ALWAYS = (("portable_pressure_gauge", 1, PLAIN), ("traffic_cones", 6, PLAIN))
BY_KIND: dict[str, tuple[tuple[str, int, str], ...]] = {
    "blocked_link": (
        ("valve_key", 1, PLAIN),
        ("gate_valve", 1, SIZED),
        ("pipe_coupling", 2, SIZED),
        ("pipe_cutter", 1, PLAIN),
        ("flushing_hose", 1, PLAIN),
        ("drainage_pump", 1, PLAIN),
    ),
    "closed_link": (("valve_key", 1, PLAIN), ("valve_box_cleaner", 1, PLAIN)),
    "open_boundary": (("valve_key", 1, PLAIN), ("valve_box_cleaner", 1, PLAIN)),
    "leak": (
        ("leak_correlator", 1, PLAIN),
        ("valve_key", 1, PLAIN),
        ("repair_clamp", 2, SIZED),
        ("drainage_pump", 1, PLAIN),
    ),
    "demand_growth": (("clamp_on_flow_meter", 1, PLAIN),),
    "roughness_growth": (("inspection_camera", 1, PLAIN), ("clamp_on_flow_meter", 1, PLAIN)),
    "source_head_loss": (("clamp_on_flow_meter", 1, PLAIN), ("power_meter", 1, PLAIN)),
    "point_fault": (("calibrated_gauge", 1, PLAIN), ("gauge_fittings", 1, PLAIN)),
}
"""Code, count, and whether the thing has the size of the main; ``blocked_link`` brings what a dead valve needs."""


def to_bring(kind: str, size_mm: float | None) -> tuple[Item, ...]:
    """Return what a crew brings for a cause of ``kind`` on a main of nominal size ``size_mm``."""
    table = (*BY_KIND.get(kind, ()), *ALWAYS)
    return tuple(Item(code, count, size_mm if sized == SIZED else None) for code, count, sized in table)
