"""What a server remembers of the time when nobody listened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asyncua import ua

from collectors.driver import Reading
from collectors.opcua.session import Session, parts
from collectors.opcua.values import reading_of
from models.point import Point

MOST_VALUES = 10_000
"""Values of a node in one answer; the server says where to go on."""


async def read_history(
    session: Session, points: Sequence[tuple[Point, ua.NodeId]], start: datetime, end: datetime
) -> list[Reading]:
    """Return the readings of ``start < time < end`` in order of time; a node without a memory has none."""
    details = ua.ReadRawModifiedDetails()
    details.IsReadModified = False
    details.StartTime, details.EndTime = start, end
    details.NumValuesPerNode = MOST_VALUES
    details.ReturnBounds = False
    found: list[Reading] = []
    for part in parts(points, session.limits.history):
        found += await _read(session, part, details)
    kept = [one for one in found if one.time is not None and start < one.time < end]
    return sorted(kept, key=lambda one: one.time or start)


async def _read(
    session: Session, points: Sequence[tuple[Point, ua.NodeId]], details: ua.ReadRawModifiedDetails
) -> list[Reading]:
    found: list[Reading] = []
    waiting: list[tuple[Point, ua.NodeId, bytes | None]] = [(point, node, None) for point, node in points]
    while waiting:
        results = await session.history(_request(details, [(node, mark) for _, node, mark in waiting]))
        going_on: list[tuple[Point, ua.NodeId, bytes | None]] = []
        for (point, node, mark), result in zip(waiting, results, strict=True):
            if not result.StatusCode.is_good() or not isinstance(result.HistoryData, ua.HistoryData):
                continue
            found += [reading_of(point, value) for value in result.HistoryData.DataValues or ()]
            # The same mark again would be the same answer, for ever.
            if result.ContinuationPoint and result.ContinuationPoint != mark:
                going_on.append((point, node, result.ContinuationPoint))
        waiting = going_on
    return found


def _request(
    details: ua.ReadRawModifiedDetails, nodes: Sequence[tuple[ua.NodeId, bytes | None]]
) -> ua.HistoryReadParameters:
    request = ua.HistoryReadParameters()
    request.HistoryReadDetails = details
    request.TimestampsToReturn = ua.TimestampsToReturn.Source
    request.ReleaseContinuationPoints = False
    for node, mark in nodes:
        one = ua.HistoryReadValueId()
        one.NodeId, one.IndexRange, one.ContinuationPoint = node, "", mark
        request.NodesToRead.append(one)
    return request
