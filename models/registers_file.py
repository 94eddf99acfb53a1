"""``customers.csv``, ``valves.csv``, ``pipes.csv`` and ``zones.csv``: what the utility keeps beside its model."""

from __future__ import annotations

from pathlib import Path

from models.fields import duplicates
from models.problem import Problem
from models.register import Customer, PipeAsset, RegisteredValve
from models.table_file import fields_of, read_table


def read_customers(path: Path, problems: list[Problem], language: str = "en") -> tuple[Customer, ...]:
    """Return the customers; a missing file is no problem. ``language`` is theirs who have none of their own."""
    if not path.exists():
        return ()
    required = ("customer_id", "name", "kind", "address", "node")
    optional = ("contact", "required_pressure_m", "design_demand_l_s", "key_account", "representative", "language")
    customers, lines = [], []
    for values, line in read_table(path, required, optional, problems):
        row = fields_of(values, line, path, f"customer {values['customer_id']}", problems)
        customers.append(
            Customer(
                customer_id=row.text("customer_id", required=True),
                name=row.text("name"),
                kind=row.text("kind"),
                address=row.text("address"),
                node=row.text("node", required=True),
                contact=row.text("contact"),
                required_pressure_m=row.number("required_pressure_m", low=0.0, high=200.0),
                design_demand_l_s=row.number("design_demand_l_s", low=0.0),
                key_account=row.flag("key_account"),
                representative=row.text("representative"),
                language=row.text("language", language),
            )
        )
        lines.append((customers[-1].customer_id, line))
    problems.extend(duplicates(lines, "customer", str(path)))
    return tuple(customers)


def read_valves(path: Path, problems: list[Problem]) -> tuple[RegisteredValve, ...]:
    """Return the valve register; a missing file is no problem."""
    if not path.exists():
        return ()
    required = ("valve_id", "link", "end")
    optional = (
        "kind", "diameter_mm", "installed", "last_operated", "turns", "closes", "x", "y", "street",
    )  # fmt: skip
    valves, lines = [], []
    for values, line in read_table(path, required, optional, problems):
        row = fields_of(values, line, path, f"valve {values['valve_id']}", problems)
        valves.append(
            RegisteredValve(
                valve_id=row.text("valve_id", required=True),
                link=row.text("link", required=True),
                end=row.choice("end", ("start", "end"), "start", required=True),
                kind=row.text("kind", "gate"),
                diameter_mm=row.number("diameter_mm", low=1.0),
                installed=row.day("installed"),
                last_operated=row.day("last_operated"),
                turns=row.number("turns", low=0.0),
                closes=row.choice("closes", ("cw", "ccw"), "cw"),
                x=row.number("x"),
                y=row.number("y"),
                street=row.text("street"),
            )
        )
        lines.append((valves[-1].valve_id, line))
    problems.extend(duplicates(lines, "valve", str(path)))
    return tuple(valves)


def read_pipes(path: Path, problems: list[Problem]) -> tuple[PipeAsset, ...]:
    """Return the pipe assets; a missing file is no problem."""
    if not path.exists():
        return ()
    pipes, lines = [], []
    for values, line in read_table(path, ("link",), ("material", "nominal_mm", "installed"), problems):
        row = fields_of(values, line, path, f"pipe {values['link']}", problems)
        pipes.append(
            PipeAsset(
                link=row.text("link", required=True),
                material=row.text("material"),
                nominal_mm=row.number("nominal_mm", low=1.0),
                installed=row.day("installed"),
            )
        )
        lines.append((pipes[-1].link, line))
    problems.extend(duplicates(lines, "pipe", str(path)))
    return tuple(pipes)


def read_zones(path: Path, problems: list[Problem]) -> dict[str, str]:
    """Return the zone of each node; a missing file is no problem."""
    if not path.exists():
        return {}
    zones: dict[str, str] = {}
    lines = []
    for values, line in read_table(path, ("node", "zone"), (), problems):
        row = fields_of(values, line, path, f"node {values['node']}", problems)
        zones[row.text("node", required=True)] = row.text("zone", required=True)
        lines.append((values["node"], line))
    problems.extend(duplicates(lines, "node", str(path)))
    return zones
