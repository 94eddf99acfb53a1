"""The complaints desk: a customer's words are tied to the customer's node."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from difflib import get_close_matches

from models.complaint import Complaint
from models.problem import BadInput, Problem
from models.site import Site
from stores.records import Records

LONGEST_WORDS = 2000
LOWEST_READING_M, HIGHEST_READING_M = -10.3, 400.0
"""Below is less than a vacuum, above no service connection: the unit is wrong."""


def take_complaint(
    site: Site,
    records: Records,
    customer_id: str,
    words: str,
    time: datetime,
    reading_m: float | None = None,
    raised_by: str = "",
) -> Complaint:
    """Check and keep a complaint; the monitor answers it at its next cycle.

    Raises
    ------
    BadInput
        The customer is not known, the time is naive, nothing is said, or the reading is no pressure in metres.
    """
    problems = [*_customer_problems(site, customer_id), *_saying_problems(words, time, reading_m)]
    if problems:
        raise BadInput(problems)
    node = site.customer(customer_id).node
    said = words.strip()
    return records.register_complaint(
        Complaint(customer_id, node, time.astimezone(UTC), said, reading_m, raised_by.strip())
    )


def _customer_problems(site: Site, customer_id: str) -> list[Problem]:
    known = [customer.customer_id for customer in site.customers]
    if customer_id in known:
        return []
    if not known:
        return [Problem(f"customer {customer_id}: the site has no customers", str(site.folder / "customers.csv"))]
    near = get_close_matches(customer_id, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f", expected one of {len(known)} customers"
    return [Problem(f"customer {customer_id}: unknown{hint}", str(site.folder / "customers.csv"))]


def _saying_problems(words: str, time: datetime, reading_m: float | None) -> list[Problem]:
    problems = []
    if not words.strip():
        problems.append(Problem("complaint: nothing is said, expected the customer's words"))
    if len(words) > LONGEST_WORDS:
        problems.append(Problem(f"complaint: {len(words)} characters, expected at most {LONGEST_WORDS}"))
    if time.tzinfo is None:
        problems.append(
            Problem(f"complaint: time {time.isoformat()} is naive, expected an offset such as {time.isoformat()}+08:00")
        )
    return [*problems, *reading_problems("complaint", reading_m)]


def reading_problems(subject: str, reading_m: float | None) -> list[Problem]:
    """Return what is wrong with a pressure that a person read [m]; nothing where none was read."""
    if reading_m is None or (math.isfinite(reading_m) and LOWEST_READING_M <= reading_m <= HIGHEST_READING_M):
        return []
    expected = f"{LOWEST_READING_M:g} to {HIGHEST_READING_M:g} m of water"
    return [Problem(f"{subject}: reading {reading_m:g} m, expected {expected}")]
