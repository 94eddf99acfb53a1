"""``hydro order``: list and show work orders, dispatch them, record what was found, close them."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.order import Order, Place
    from models.site import Site
    from stores.records import Records

ACTIONS = {
    "dispatch": "send a crew, and tell the customers affected that the cause is known",
    "arrive": "the crew is on site",
    "find": "record what the crew found",
    "measure": "record the pressures measured before and after the work",
    "close": "end an order with findings: answer its complaint, acknowledge its alarms, tell the customers",
    "cancel": "end an order without work",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("site", type=Path, help="folder of the site")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer as JSON")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions")
    listing = actions.add_parser("list", parents=[shared], help="list the open orders (the default)")
    listing.add_argument("--all", action="store_true", help="those done and cancelled too")
    show = actions.add_parser("show", parents=[shared], help="show one order in full")
    show.add_argument("id", type=int)
    for name, words in ACTIONS.items():
        action = actions.add_parser(name, parents=[shared], help=words, description=words)
        action.add_argument("id", type=int, help="the order's number")
        action.add_argument("--by", required=True, metavar="NAME", help="the person who acts")
        action.add_argument("--time", metavar="ISO8601", help="when, with an offset (default: now at the site)")
        if name == "dispatch":
            action.add_argument("--crew", default="", help="the crew that goes")
        if name == "find":
            action.add_argument(
                "--found",
                action="append",
                required=True,
                metavar="WORDS",
                help="a finding of the list: debris, 'pipe replaced by PE100 SDR11 DN110', …; may be repeated",
            )
        if name in ("find", "measure", "close"):
            action.add_argument("--pressure-before-m", type=float, metavar="M", help="measured before the work, in m")
            action.add_argument("--pressure-after-m", type=float, metavar="M", help="measured after the work, in m")


def run(args: argparse.Namespace) -> int:
    """List or show orders, or take one a step on."""
    from cli.records_json import moment, open_records, order_document, write_json
    from models.site_file import load_site

    site = load_site(args.site)
    with open_records(site) as records:
        if args.action in (None, "list"):
            orders = records.orders() if getattr(args, "all", False) else records.open_orders()
            if args.json:
                write_json({"orders": [order_document(order) for order in orders]})
            else:
                sys.stdout.write("".join(map(_line, orders)) or "no orders\n")
            return 0
        if args.action != "show":
            _act(records, site, args, moment(site, records, args.time))
        _show(records, site, args.id, args.json)
    return 0


def _act(records: Records, site: Site, args: argparse.Namespace, time: datetime) -> None:
    from models.notice import NoticeCode
    from models.order import OrderState
    from service.findings import close_order, record_findings, record_pressures
    from service.notices import tell_affected

    pressures = (getattr(args, "pressure_before_m", None), getattr(args, "pressure_after_m", None))
    if args.action == "measure" or pressures != (None, None):
        record_pressures(records, args.id, args.by, time, *pressures)
    match args.action:
        case "dispatch":
            order = records.advance_order(records.order(args.id), OrderState.DISPATCHED, args.by, time, args.crew)
            tell_affected(records, site, order, NoticeCode.LOW_PRESSURE_KNOWN, time)
        case "arrive":
            records.advance_order(records.order(args.id), OrderState.ON_SITE, args.by, time)
        case "find":
            record_findings(records, args.id, args.found, args.by, time)
        case "close":
            order = close_order(records, args.id, args.by, time)
            tell_affected(records, site, order, NoticeCode.PRESSURE_RESTORED, time)
        case "cancel":
            records.advance_order(records.order(args.id), OrderState.CANCELLED, args.by, time)


def _show(records: Records, site: Site, order_id: int, as_json: bool) -> None:
    from cli.records_json import notice_document, order_document, write_json
    from models.notice import render

    order = records.order(order_id)
    notices = records.notices(order_id=order_id)
    if as_json:
        write_json({**order_document(order), "notices": [notice_document(one, site.time_zone) for one in notices]})
        return
    sys.stdout.write(_line(order) + "".join(f"  {line}\n" for line in _lines(order)))
    for notice in notices:
        sys.stdout.write(f"  notice to {notice.customer_id}: {render(notice, site.time_zone)}\n")


def _line(order: Order) -> str:
    from models.order import describe_state

    leading = f"; {order.alarm_key.removeprefix('diagnosis/')}" if order.alarm_key else ""
    return f"order {order.id}: {describe_state(order)}; {_place(order.place)}{leading}\n"


def _place(place: Place) -> str:
    known = {
        "valve": place.valve_id,
        "link": place.link,
        "node": place.node,
        "in": place.street,
        "at": "" if place.x is None else f"x {place.x:g} y {place.y:g}",
        "DN": "" if place.diameter_mm is None else f"{place.diameter_mm:g}",
        "turns": "" if place.turns is None else f"{place.turns:g}",
        "closes": place.closes,
    }
    return " ".join(f"{name} {value}" for name, value in known.items() if value)


def _lines(order: Order) -> list[str]:
    lines = []
    for cause in order.causes:
        lost = "" if cause.head_lost_m is None else f", costs {cause.head_lost_m:.1f} m at {cause.at}"
        if cause.interval90_m is not None:
            lost += f" (90 %: {cause.interval90_m[0]:.1f} to {cause.interval90_m[1]:.1f} m)"
        lines.append(f"cause: {cause.kind} {' '.join(cause.elements)}, probability {cause.probability:.2f}{lost}")
    lines += [f"close to isolate: {_place(place)}" for place in order.isolation]
    for one in order.measurements:
        tells = "" if one.bits is None else f", tells {one.bits:.1f} bit"
        lines.append(f"measure: {one.quantity} at {one.node} {one.time}{tells}")
    for item in order.bring:
        size = "" if item.size_mm is None else f" DN{item.size_mm:g}"
        lines.append(f"bring: {item.count} × {item.code.replace('_', ' ')}{size}")
    lines += [f"cure: {cure.change} regains {cure.regained_m:.1f} m at {cure.at}" for cure in order.cures]
    lines += [f"found: {finding} ({finding.by}, {finding.time.isoformat()})" for finding in order.findings]
    return [*lines, *_gain_lines(order)]


def _gain_lines(order: Order) -> list[str]:
    from service.findings import gain_holds

    gain = order.gain
    if gain is None or gain.measured_m is None:
        return []
    said = f"gain at {gain.at}: measured {gain.measured_m:.1f} m"
    if gain.predicted_m is None:
        return [said]
    holds = "confirms" if gain_holds(gain) else "does not confirm"
    return [f"{said}, predicted {gain.predicted_m:.1f} m: {holds} the diagnosis"]
