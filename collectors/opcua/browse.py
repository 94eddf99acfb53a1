"""What nodes a server has: variables below a node, their type, present value and whether they have a memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIdNames, ObjectIds
from asyncua.ua.uaerrors import UaError

from collectors.opcua.session import Session, parts, standard
from collectors.opcua.values import aware, number_of
from models.problem import BadInput

_HISTORY_READ = 4
"""The bit of an access level that says that a node has a memory."""
_AHEAD = "/"


@dataclass(frozen=True, slots=True)
class Variable:
    """A node with a value."""

    address: str
    path: str
    data_type: str
    value: float | str | None
    status: str
    time: datetime | None
    history: bool


@dataclass(slots=True)
class Browsed:
    """The variables found; ``complete`` unless there were more than were asked for."""

    variables: list[Variable] = field(default_factory=list)
    complete: bool = True


async def browse(session: Session, start: str, depth: int, most: int) -> Browsed:
    """Return the variables at most ``depth`` levels below a node, each once, in calls as the server allows.

    Raises
    ------
    BadInput
        ``start`` is no NodeId.
    NoAnswer
        The server does not answer.
    """
    try:
        level = [(ua.NodeId.from_string(start), "")]
    except (UaError, ValueError):
        raise BadInput.of(f'node "{start}" is no NodeId, expected one such as ns=2;s=PS1') from None
    seen = {level[0][0]}
    found: list[tuple[ua.NodeId, str]] = []
    whole = True
    for _ in range(depth):
        below: list[tuple[ua.NodeId, str]] = []
        for node, path, is_variable in await _children(session, level):
            # The server's own diagnostics are no measurements.
            if node in seen or node == standard(ObjectIds.Server):
                continue
            seen.add(node)
            below.append((node, path))
            if is_variable:
                found.append((node, path))
        level = below
        if len(found) > most:
            whole = False
            break
        if not level:
            break
    return Browsed(await _described(session, found[:most]), whole)


async def _children(session: Session, nodes: Sequence[tuple[ua.NodeId, str]]) -> list[tuple[ua.NodeId, str, bool]]:
    found: list[tuple[ua.NodeId, str, bool]] = []
    for part in parts(nodes, session.limits.browse):
        request = ua.BrowseParameters()
        request.NodesToBrowse = [_description(node) for node, _ in part]
        waiting = list(zip([path for _, path in part], await session.browse(request), strict=True))
        while waiting:
            going_on: list[tuple[str, bytes]] = []
            for path, result in waiting:
                for one in result.References or ():
                    name = f"{path}{_AHEAD}{one.BrowseName.Name}" if path else str(one.BrowseName.Name)
                    found.append((one.NodeId, name, one.NodeClass is ua.NodeClass.Variable))
                if result.ContinuationPoint:
                    going_on.append((path, result.ContinuationPoint))
            waiting = []
            if going_on:
                further = ua.BrowseNextParameters()
                further.ContinuationPoints = [mark for _, mark in going_on]
                further.ReleaseContinuationPoints = False
                waiting = list(zip([path for path, _ in going_on], await session.browse_on(further), strict=True))
    return found


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    one = ua.BrowseDescription()
    one.NodeId = node
    one.BrowseDirection = ua.BrowseDirection.Forward
    one.ReferenceTypeId = standard(ObjectIds.HierarchicalReferences)
    one.IncludeSubtypes = True
    one.NodeClassMask = ua.NodeClass.Object | ua.NodeClass.Variable
    one.ResultMask = ua.BrowseResultMask.All
    return one


async def _described(session: Session, nodes: Sequence[tuple[ua.NodeId, str]]) -> list[Variable]:
    ids = [node for node, _ in nodes]
    values = await session.read(ids)
    types = await session.read(ids, AttributeIds.DataType)
    levels = await session.read(ids, AttributeIds.AccessLevel)
    return [
        Variable(
            node.to_string(), path, _type_name(kind), _shown(value), _status(value), _time(value),
            bool(_whole(access) & _HISTORY_READ),
        )
        for (node, path), value, kind, access in zip(nodes, values, types, levels, strict=True)
    ]  # fmt: skip


def _type_name(value: ua.DataValue) -> str:
    node = None if value.Value is None else value.Value.Value
    if not isinstance(node, ua.NodeId):
        return ""
    number = node.Identifier
    known = ObjectIdNames.get(number) if node.NamespaceIndex == 0 and isinstance(number, int) else None
    return known or node.to_string()


def _shown(value: ua.DataValue) -> float | str | None:
    content = None if value.Value is None else value.Value.Value
    if isinstance(content, bool | int | float):
        return number_of(value)
    return None if content is None else str(content)[:60]


def _status(value: ua.DataValue) -> str:
    return "Good" if value.StatusCode is None else str(value.StatusCode.name)


def _time(value: ua.DataValue) -> datetime | None:
    return None if value.SourceTimestamp is None else aware(value.SourceTimestamp)


def _whole(value: ua.DataValue) -> int:
    number = number_of(value)
    return int(number) if number == number else 0
