"""What people know holds alarms back by design: works explain a cause, a point that is out of scan is not believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hydro.network import Network
from models.alarm import Alarm, AlarmKind
from models.site import Site
from models.works import OutOfScan, WorksWindow
from monitor.alarms import Condition

POINT_KINDS = frozenset({AlarmKind.LIMIT, AlarmKind.POINT})


def held_back(
    site: Site,
    network: Network,
    works: Sequence[WorksWindow],
    out: Mapping[str, OutOfScan],
    about: Iterable[Alarm | Condition],
) -> dict[str, str]:
    """Return why alarms are to be held back, by key; an alarm that nothing holds back is left out.

    Works hold back blame alone: a pressure that is low because of them is low all the same.
    """
    held = {}
    for one in about:
        if one.kind in POINT_KINDS and one.source in out:
            taken = out[one.source]
            held[one.key] = f"out of scan by {taken.by}: {taken.reason}"
        elif one.kind is AlarmKind.DIAGNOSIS:
            window = _explaining(site, network, works, one)
            if window is not None:
                held[one.key] = f"works ({window.kind}) by {window.by}: {window.reason}"
    return held


def _explaining(
    site: Site, network: Network, works: Sequence[WorksWindow], one: Alarm | Condition
) -> WorksWindow | None:
    named = one.details.get("elements")
    elements = frozenset(named) if isinstance(named, (list, tuple)) else frozenset()
    zones = frozenset(zone for element in elements for zone in _zones(site, network, element))
    return next((window for window in works if window.touches(elements, zones)), None)


def _zones(site: Site, network: Network, element: str) -> list[str]:
    """Return the zones that an element lies in: a node's own, those of a link's ends."""
    link = network.link_index.get(element)
    ends = [] if link is None else [network.node_ids[network.start[link]], network.node_ids[network.end[link]]]
    return [site.zones[node] for node in [element, *ends] if node in site.zones]
