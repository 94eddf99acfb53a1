"""Flux: how texts, times and spans are written in it."""

from __future__ import annotations

from datetime import UTC, datetime

from stores.line_protocol import quoted

AGGREGATES = {"mean": "mean", "count": "count", "low": "min", "high": "max"}
"""What is kept of the good samples of a step: name of the field, Flux function."""
PIVOT = 'pivot(rowKey: ["_time", "point"], columnKey: ["_field"], valueColumn: "_value")'


def literal(text: str) -> str:
    """Return a string; ``${`` would be looked up in it."""
    escaped = quoted(text).replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
    return '"' + escaped.replace("${", r"\${") + '"'


def span(start: datetime, end: datetime) -> str:
    """Return the arguments of ``range``."""
    return f"start: {flux_time(start)}, stop: {flux_time(end)}"


def flux_time(time: datetime) -> str:
    """Return an instant."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
