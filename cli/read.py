"""``hydro read``: every point of a site once: value, unit, quality, and the model's value beside it."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from hydro.conditions import Conditions
from hydro.engine import Engine
from hydro.errors import HydroError
from hydro.network import JUNCTION, Network, PressureDemand
from hydro.state import State
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality, Sample
from models.site import Site
from models.site_file import load_site
from monitor.diagnoser import network_origin
from monitor.quantities import model_value, reading_value
from monitor.series import elevation_of

NOBODY_ANSWERS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Ask every device once; 5 when none of them answers."""
    from collectors.collector import read_once

    for noisy in ("asyncua", "pymodbus"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    site = load_site(args.site)
    samples = {sample.point: sample for sample in asyncio.run(read_once(site))}
    try:
        modelled = modelled_values(site, samples)
    except HydroError as error:
        sys.stderr.write(f"no values of the model: {error}\n")
        modelled = {}
    asked = [point for point in site.points if point.device]
    rows = [_row(point, samples[point.name], modelled.get(point.name)) for point in asked]
    if len(asked) < len(site.points):
        sys.stderr.write(f"{len(site.points) - len(asked)} points come in files and are asked for nowhere\n")
    if args.json:
        sys.stdout.write(json.dumps({"site": site.name, "points": rows}, ensure_ascii=False) + "\n")
    else:
        _show(site, rows)
    return NOBODY_ANSWERS if rows and all("does not answer" in row["reason"] for row in rows) else 0


def modelled_values(site: Site, samples: Mapping[str, Sample]) -> dict[str, float]:
    """Return what each point would read by the model, in the point's unit.

    The network is solved at the samples' time with the file's demands; measured levels, source heads and states of
    pumps and links stand in place of the file's. A totaliser has no counterpart in the model.
    """
    good = [one for one in samples.values() if one.quality is Quality.GOOD]
    if not good:
        return {}
    now = max(one.time for one in good)
    with Engine(site.network, PressureDemand(required=site.monitor.required_pressure_m), workers=1) as engine:
        network = engine.network
        origin = network_origin(now, network.start_clocktime_s, ZoneInfo(site.time_zone))
        conditions = engine.default_conditions(now.timestamp() - origin)
        state = engine.solve(_measured(site.points, samples, network, conditions))
    values = {}
    for point in site.points:
        si = _seen(point, network, state)
        if math.isfinite(si):
            values[point.name] = reading_value(point, si, elevation_of(point, network))
    return values


def _measured(
    points: Sequence[Point], samples: Mapping[str, Sample], network: Network, conditions: Conditions
) -> Conditions:
    head, status, setting = conditions.head.copy(), conditions.status.copy(), conditions.setting.copy()
    for point in points:
        sample = samples.get(point.name)
        if sample is None or sample.quality is not Quality.GOOD:
            continue
        value = model_value(point, sample.value, elevation_of(point, network))
        node, link = network.node_index.get(point.element), network.link_index.get(point.element)
        if node is not None and network.node_kind[node] != JUNCTION and point.quantity in ("level", "head"):
            head[node] = value + (network.elevation[node] if point.quantity == "level" else 0.0)
        elif link is not None and point.quantity is Quantity.STATUS:
            status[link] = value
        elif link is not None and point.quantity is Quantity.SETTING:
            setting[link] = value
    return replace(conditions, head=head, status=status, setting=setting)


def _seen(point: Point, network: Network, state: State) -> float:
    """Return the modelled value of a point in SI, NaN where the model has none."""
    node, link = network.node_index.get(point.element), network.link_index.get(point.element)
    if link is not None:
        by_link = {Quantity.FLOW: state.flow, Quantity.STATUS: state.status, Quantity.SETTING: state.setting}
        if point.quantity in by_link:
            return float(by_link[point.quantity][link])
    if node is None:
        return math.nan
    if point.quantity is Quantity.FLOW:
        return float(state.flow[network.start == node].sum() - state.flow[network.end == node].sum())
    by_node = {
        Quantity.PRESSURE: state.pressure,
        Quantity.LEVEL: state.pressure,
        Quantity.HEAD: state.head,
        Quantity.DEMAND: state.demand,
    }
    return float(by_node[point.quantity][node]) if point.quantity in by_node else math.nan


def _row(point: Point, sample: Sample, modelled: float | None) -> dict[str, Any]:
    return {
        "point": point.name,
        "element": point.element,
        "quantity": str(point.quantity),
        "value": sample.value if np.isfinite(sample.value) else None,
        "unit": point.unit,
        "quality": str(sample.quality),
        "reason": sample.reason,
        "modelled": modelled,
        "time": sample.time.isoformat(),
    }


def _show(site: Site, rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=site.name, title_justify="left")
    for name in ("point", "element", "quantity"):
        table.add_column(name, no_wrap=True)
    for name in ("value", "model"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("unit", "quality"):
        table.add_column(name)
    for row in rows:
        cells = [row["point"], row["element"], row["quantity"], _figure(row["value"]), _figure(row["modelled"])]
        table.add_row(*cells, row["unit"], row["quality"], style="" if row["quality"] == "good" else "red")
    Console().print(table)
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    for reason, count in reasons.items():
        sys.stderr.write(f"{reason}: {count} point{'s' if count > 1 else ''}\n")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
