"""The faults Hydro knows, one file a kind; this list is the one place where a new kind is added."""

from __future__ import annotations

from hydro.faults.blocked_link import BlockedLink
from hydro.faults.demand_growth import DemandGrowth
from hydro.faults.kind import Candidate, FaultKind, Scene
from hydro.faults.leak import Leak
from hydro.faults.open_boundary import OpenBoundary
from hydro.faults.point_fault import PointFault
from hydro.faults.roughness_growth import RoughnessGrowth
from hydro.faults.source_head_loss import SourceHeadLoss

KINDS: tuple[FaultKind, ...] = (
    BlockedLink(),
    DemandGrowth(),
    Leak(),
    SourceHeadLoss(),
    OpenBoundary(),
    RoughnessGrowth(),
    PointFault(),
)

__all__ = ["KINDS", "Candidate", "FaultKind", "Scene"]
