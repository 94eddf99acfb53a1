"""``hydro whatif``: a network before and after changes, at the peak, at an hour or through a day."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from models.problem import BadInput, Problem

if TYPE_CHECKING:
    from hydro.catalogue import Catalogue
    from hydro.scenario import Scenario

Value = TypeVar("Value")
SHOWN_M = 0.005
"""A smaller difference is not shown in the terminal [m]."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    from cli.instants import add_instants
    from cli.subject import add_subject

    add_subject(parser)
    for option, metavar, text in (
        ("--set", "PIPE=SIZE", 'lay a pipe anew in a catalogue size, such as "P-12=PE100 SDR17 DN110"'),
        ("--diameter-mm", "LINK=MM", "inner diameter"),
        ("--roughness", "PIPE=VALUE", "Hazen-Williams C, Darcy-Weisbach mm or Manning n, as the network has it"),
        ("--demand-l-s", "NODE=L/S", "demand of a node before its patterns"),
        ("--minor-loss", "LINK=K", "minor loss coefficient, in place of the model's"),
        ("--open", "LINK", "hold a link open"),
        ("--close", "LINK", "hold a link closed"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=f"{text}; may be repeated")
    add_instants(parser)
    parser.add_argument("--catalogue", type=Path, metavar="CSV", help="a utility's own pipes, with costs")
    parser.add_argument("--save", type=Path, metavar="NEW.inp", help="write the changed network for EPANET")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Solve both networks and tell what is different."""
    from cli.instants import instants
    from cli.subject import subject
    from hydro.catalogue import read_catalogue, standard_catalogue
    from hydro.whatif import what_if
    from hydro.whatif_document import document

    catalogue = read_catalogue(args.catalogue) if args.catalogue else standard_catalogue()
    with subject(args, datetime.now(UTC).date()) as about:
        scenario = _scenario(args, catalogue, about.engine.network.headloss_formula)
        times = instants(args, about.engine)
        if args.save is not None and args.save.resolve() == about.site.network.resolve():
            raise BadInput.of("--save would overwrite the network itself, expected another file", str(args.save))
        if args.save is not None and args.save.exists() and not args.save.is_file():
            raise BadInput.of("--save is there and is no file, expected a file's name", str(args.save))
        begun = time.perf_counter()
        answer = what_if(about.engine, scenario, times)
        told = document(answer, about.customers, about.required)
        told["elapsed_s"] = round(time.perf_counter() - begun, 6)
        if args.save is not None:
            about.engine.save(args.save, scenario, float(times[-1]))
            told["saved"] = str(args.save)
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n" if args.json else _told(told))
    return 0


def _scenario(args: argparse.Namespace, catalogue: Catalogue, formula: str) -> Scenario:
    """Return the scenario that the arguments describe, for a network of a headloss formula."""
    from hydro.scenario import Scenario

    problems: list[Problem] = []
    # Darcy–Weisbach heights are millimetres outside and metres inside.
    height = 1e3 if formula == "D-W" else 1.0

    def pairs(option: str, given: list[str], parse: Callable[[str], Value]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for text in given:
            element, equals, value = text.rpartition("=")
            element = element.strip()
            if not equals or not element:
                problems.append(Problem(f'{option} "{text}", expected ELEMENT=VALUE'))
                continue
            try:
                parsed = parse(value.strip())
            except ValueError:
                problems.append(Problem(f'{option} "{text}": "{value.strip()}" is no number'))
                continue
            if element in found:
                problems.append(Problem(f"{option} {element}: given twice, expected one value"))
            found[element] = parsed
        return found

    scenario = Scenario(
        name="whatif",
        pipes=pairs("--set", args.set, catalogue.named),
        diameter={one: value / 1e3 for one, value in pairs("--diameter-mm", args.diameter_mm, float).items()},
        roughness={one: value / height for one, value in pairs("--roughness", args.roughness, float).items()},
        minor_loss=pairs("--minor-loss", args.minor_loss, float),
        open={**dict.fromkeys(args.open, True), **dict.fromkeys(args.close, False)},
        base_demand={one: value / 1e3 for one, value in pairs("--demand-l-s", args.demand_l_s, float).items()},
    )
    problems += [Problem(f"link {one}: both --open and --close, expected one") for one in {*args.open} & {*args.close}]
    if problems:
        raise BadInput(problems)
    return scenario


def _told(told: dict[str, Any]) -> str:
    worst, below = told["worst_node"], told["customers_below"]
    clocks = [one["clock"] for one in told["times"]]
    when = f"at {clocks[0]}" if len(clocks) == 1 else f"{len(clocks)} instants from {clocks[0]} on"
    lines = [f"{told['network']}, {when}"]
    lines += ["  " + ", ".join(f"{word} {value}" for word, value in row.items()) for row in told["changes"]]
    lines.append(f"{'node':24s} {'before m':>10s} {'after m':>10s} {'difference m':>13s}")
    moved = sorted(told["nodes"], key=lambda row: -_largest(row["pressure_m"]["difference"]))
    for row in [one for one in moved if _largest(one["pressure_m"]["difference"]) >= SHOWN_M][:12]:
        before, after, difference = (_of_most(row["pressure_m"], when) for when in ("before", "after", "difference"))
        lines.append(f"{row['node']:24s} {_metres(before):>10s} {_metres(after):>10s} {_metres(difference, '+'):>13s}")
    pressure = worst["pressure_m"]
    lines.append(
        f"worst node {worst['node']}: {_metres(pressure['before'])} m before, {_metres(pressure['after'])} m after, "
        f"{worst['required_pressure_m']:g} m wanted"
    )
    lines += [
        f"{when}: {len(nodes)} nodes are cut off from every source, {nodes[0]} one of them"
        for when, nodes in told["cut_off"].items()
        if nodes
    ]
    lines.append(f"customers below their required pressure: {below['before']} before, {below['after']} after")
    lines += [f"before: {warning}" for warning in told["warnings"]["before"]]
    lines += [f"after: {warning}" for warning in told["warnings"]["after"]]
    if "saved" in told:
        lines.append(f"saved as {told['saved']}")
    return "\n".join(lines) + "\n"


Cell = float | None | list[float | None]


def _largest(difference: Cell) -> float:
    """Return the size of the largest difference; a node that loses its source loses everything."""
    given = difference if isinstance(difference, list) else [difference]
    return max(math.inf if one is None else abs(one) for one in given)


def _of_most(column: dict[str, Cell], when: str) -> float | None:
    """Return a number at the instant of the greatest difference."""
    difference, wanted = column["difference"], column[when]
    if not isinstance(difference, list) or not isinstance(wanted, list):
        return wanted if isinstance(wanted, float) else None
    return wanted[max(range(len(difference)), key=lambda one: _largest(difference[one]))]


def _metres(value: float | None, sign: str = "") -> str:
    return "none" if value is None else f"{value:{sign}.2f}"
