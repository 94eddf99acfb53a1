"""A scenario: a named set of changes to a network; the network itself is never touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """What is changed."""

    REPLACE = "replace"
    """Lay a pipe anew as ``size``, a name of the catalogue."""
    DIAMETER = "diameter"
    """Give a pipe the inner diameter ``value`` [mm]."""
    ROUGHNESS = "roughness"
    """Give a pipe the roughness ``value``, in the unit of the network's headloss formula."""
    MINOR_LOSS = "minor_loss"
    """Give a link the minor-loss coefficient ``value`` [-]."""
    DEMAND = "demand"
    """Let a node draw ``value`` [l/s] in place of what it draws."""
    OPEN = "open"
    """Open a link."""
    CLOSE = "close"
    """Close a link."""


VALUED = frozenset({ChangeKind.DIAMETER, ChangeKind.ROUGHNESS, ChangeKind.MINOR_LOSS, ChangeKind.DEMAND})
"""Kinds that need a value."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one element: a link, or a node for ``demand``."""

    kind: ChangeKind
    element: str
    value: float | None = None
    size: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Changes under a name. ``id`` and ``version`` are 0 until it is kept."""

    name: str
    changes: tuple[Change, ...]
    by: str
    created: datetime
    changed: datetime
    note: str = ""
    id: int = 0
    version: int = 0
