"""``hydro sizing``: mains ranked by what their thinness costs customers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.problem import BadInput

if TYPE_CHECKING:
    from cli.subject import Subject
    from hydro.sizing import Main

MOST_INSTANTS = 24
"""A span is looked at in so many instants at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    from cli.instants import add_instants
    from cli.subject import add_subject

    add_subject(parser)
    add_instants(parser)
    parser.add_argument("--top", type=int, default=20, metavar="N", help="how many mains (20)")
    parser.add_argument("--growth-percent-year", type=float, metavar="G", help="growth of all demand")
    parser.add_argument("--catalogue", type=Path, metavar="CSV", help="a utility's own pipes, with costs")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Rank, verify and tell."""
    from cli.instants import instants
    from cli.subject import subject
    from hydro.catalogue import read_catalogue, standard_catalogue
    from hydro.sizing import question, size_mains
    from hydro.whatif_document import clock

    if args.top < 1:
        raise BadInput.of(f"--top {args.top}, expected 1 or more")
    if args.growth_percent_year is not None and not 0.0 < args.growth_percent_year <= 100.0:
        raise BadInput.of(f"--growth-percent-year {args.growth_percent_year:g}, expected above 0 and at most 100")
    today = datetime.now(UTC).date()
    catalogue = read_catalogue(args.catalogue) if args.catalogue else standard_catalogue()
    growth = None if args.growth_percent_year is None else args.growth_percent_year / 100.0
    with subject(args, today) as about:
        _refuse_without_customers(about)
        times = instants(args, about.engine)
        times = times[:: max(1, -(-len(times) // MOST_INSTANTS))]
        begun = time.perf_counter()
        asked = question(about.engine, about.engine.conditions_at(times), about.assets, catalogue)
        mains = size_mains(asked, args.top, growth)
        network = about.engine.network
        told = {
            "network": network.name,
            "times": [{"time_s": float(one), "clock": clock(network, float(one))} for one in times],
            "required_pressure_m": about.required,
            "growth_percent_year": args.growth_percent_year,
            "shortfall_m": round(asked.shortfall(about.engine.solve_many(asked.conditions)), 6),
            "mains": [_main(one, about, today.year) for one in mains],
            "elapsed_s": round(time.perf_counter() - begun, 6),
        }
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n" if args.json else _told(told))
    return 0


def _refuse_without_customers(about: Subject) -> None:
    if not about.customers:
        network = about.site.network
        raise BadInput.of("no junction draws water and no customers are known, expected demands", str(network))


def _main(main: Main, about: Subject, year: int) -> dict[str, Any]:
    network, material = about.engine.network, about.assets.link_material[main.link]
    cost = None if main.size.cost is None else main.size.cost * float(network.length[main.link])
    return {
        "link": network.link_ids[main.link],
        "diameter_mm": round(1e3 * float(network.diameter[main.link]), 3),
        "material": material or None,
        "length_m": round(float(network.length[main.link]), 3),
        "velocity_m_s": round(main.velocity, 6),
        "headloss_m_km": round(1e3 * main.unit_headloss, 6),
        "shortfall_gain_m": round(main.gain, 6),
        "customers": main.customers,
        "spare_l_s": round(1e3 * main.spare, 6),
        "year_limit": None if main.years is None else year + main.years,
        "next_size": {
            "name": main.size.name,
            "inner_mm": round(1e3 * main.size.inner, 3),
            "regained_m": round(main.regained, 6),
            "cost": cost,
        },
    }


def _told(told: dict[str, Any]) -> str:
    when = ", ".join(dict.fromkeys(one["clock"] for one in told["times"]))
    lines = [f"{told['network']} at {when}: customers lack {told['shortfall_m']:.1f} m in all"]
    lines.append(
        f"{'main':20s} {'mm':>6s} {'m/s':>6s} {'m/km':>8s} {'gain m':>8s} {'starved':>8s} {'spare l/s':>10s} "
        f"{'limit':>6s}  next size"
    )
    for row in told["mains"]:
        size = row["next_size"]
        lines.append(
            f"{row['link']:20s} {row['diameter_mm']:6.0f} {row['velocity_m_s']:6.2f} {row['headloss_m_km']:8.2f} "
            f"{row['shortfall_gain_m']:8.2f} {row['customers']:8d} {row['spare_l_s']:10.2f} "
            f"{row['year_limit'] or '-':>6}  {size['name']} (+{size['regained_m']:.1f} m)"
        )
    return "\n".join(lines) + "\n"
