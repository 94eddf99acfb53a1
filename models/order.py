"""A work order: where a crew goes, what it looks for and brings, what it found, and whether the cure held."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from models.problem import Refused


class OrderState(StrEnum):
    """How far an order is."""

    DRAFT = "draft"
    DISPATCHED = "dispatched"
    ON_SITE = "on_site"
    DONE = "done"
    CANCELLED = "cancelled"


NEXT_STATES: dict[OrderState, frozenset[OrderState]] = {
    OrderState.DRAFT: frozenset({OrderState.DISPATCHED, OrderState.CANCELLED}),
    OrderState.DISPATCHED: frozenset({OrderState.ON_SITE, OrderState.CANCELLED}),
    OrderState.ON_SITE: frozenset({OrderState.DONE, OrderState.CANCELLED}),
    OrderState.DONE: frozenset(),
    OrderState.CANCELLED: frozenset(),
}
OPEN_STATES = frozenset(state for state, following in NEXT_STATES.items() if following)


class FindingKind(StrEnum):
    """What a crew may find: a fixed list, so that findings can be counted and learnt from."""

    VALVE_OPEN = "valve open"
    VALVE_PARTLY_CLOSED = "valve partly closed"
    VALVE_CLOSED = "valve closed"
    VALVE_SEIZED = "valve seized"
    VALVE_NOT_FOUND = "valve not found"
    VALVE_REPLACED = "valve replaced by"
    BOUNDARY_OPEN = "boundary valve open"
    DEBRIS = "debris"
    PIPE_REPLACED = "pipe replaced by"
    LEAK_FOUND = "leak found"
    GAUGE_FAULTY = "gauge faulty"
    CUSTOMER_DRAWS_MORE = "customer draws more"
    SUPPLY_LOW = "supply low"
    NOTHING_FOUND = "nothing found"


NEEDS_DETAIL = frozenset({FindingKind.VALVE_REPLACED, FindingKind.PIPE_REPLACED})
"""Findings that say by what: ``pipe replaced by PE100 SDR11 DN110``."""

FREEING = frozenset(
    {
        FindingKind.VALVE_PARTLY_CLOSED,
        FindingKind.VALVE_CLOSED,
        FindingKind.VALVE_SEIZED,
        FindingKind.VALVE_REPLACED,
        FindingKind.BOUNDARY_OPEN,
        FindingKind.DEBRIS,
        FindingKind.LEAK_FOUND,
        FindingKind.SUPPLY_LOW,
    }
)
"""Findings that a crew mends on the spot."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a named person found. ``id`` is 0 until it is kept."""

    kind: FindingKind
    by: str
    time: datetime
    detail: str = ""
    id: int = 0

    def __str__(self) -> str:
        """Return the finding in words, as :func:`parse_finding` reads them."""
        return self.kind + ("" if self.kind in NEEDS_DETAIL or not self.detail else ":") + f" {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Place:
    """Where to dig or look: a valve of the register where there is one, else a link or a node.

    ``x`` and ``y`` are in the site's coordinate system; ``turns`` from open to closed; ``closes`` is ``cw`` or ``ccw``.
    """

    link: str = ""
    node: str = ""
    valve_id: str = ""
    valve_kind: str = ""
    diameter_mm: float | None = None
    street: str = ""
    x: float | None = None
    y: float | None = None
    turns: float | None = None
    closes: str = ""


@dataclass(frozen=True, slots=True)
class SuspectedCause:
    """A cause as the order carries it: kind and elements as on the wire, metres of head lost at ``at``."""

    kind: str
    elements: tuple[str, ...]
    probability: float
    valve_ids: tuple[str, ...] = ()
    head_lost_m: float | None = None
    interval90_m: tuple[float, float] | None = None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement that would tell the causes apart: where, what, when, and how much it tells [bit]."""

    node: str
    quantity: str
    time: str = ""
    bits: float | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Something to bring, as a code for a dictionary, with its size where it has one."""

    code: str
    count: int = 1
    size_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Cure:
    """A change that would help: the head it regains and the pressure it leads to [m] at the node ``at``.

    ``sizes`` are the catalogue names of the mains it lays; ``frees`` says whether it frees or mends something else.
    """

    change: str
    regained_m: float
    at: str = ""
    pressure_m: float | None = None
    sizes: tuple[str, ...] = ()
    frees: bool = False


@dataclass(frozen=True, slots=True)
class Gain:
    """Head regained by the work at one node: as predicted, and from the pressures measured before and after [m]."""

    at: str
    predicted_m: float | None
    predicted_pressure_m: float | None = None
    before_m: float | None = None
    after_m: float | None = None

    @property
    def measured_m(self) -> float | None:
        """Pressure after the work less pressure before it [m]; ``None`` until both are measured."""
        return None if self.before_m is None or self.after_m is None else self.after_m - self.before_m

    @property
    def difference_m(self) -> float | None:
        """Measured less predicted gain [m]; ``None`` until both are known."""
        measured = self.measured_m
        return None if measured is None or self.predicted_m is None else measured - self.predicted_m


@dataclass(frozen=True, slots=True)
class OrderStep:
    """A change of an order's state, by a named person."""

    state: OrderState
    by: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """A work order. ``id`` and ``version`` are 0 until it is kept.

    ``isolation`` lists the valves that cut the place off for the work; they never include the suspected one, which
    may not hold.
    """

    created: datetime
    place: Place
    causes: tuple[SuspectedCause, ...] = ()
    isolation: tuple[Place, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    bring: tuple[Item, ...] = ()
    cures: tuple[Cure, ...] = ()
    gain: Gain | None = None
    state: OrderState = OrderState.DRAFT
    crew: str = ""
    steps: tuple[OrderStep, ...] = ()
    findings: tuple[Finding, ...] = ()
    complaint_id: int | None = None
    diagnosis_id: int | None = None
    alarm_key: str = ""
    id: int = 0
    version: int = 0


def advance(order: Order, state: OrderState, by: str, time: datetime) -> Order:
    """Return ``order`` in its next ``state``, with who did it and when.

    Raises
    ------
    Refused
        The state does not follow the present one, no name is given, or an order is to be done without a finding.
    ValueError
        The time is naive.
    """
    if time.tzinfo is None:
        raise ValueError(f"order {order.id}: time {time.isoformat()} is naive, expected an offset")
    if not by.strip():
        raise Refused.of(f"order {order.id}: no name given, expected the person who acts")
    if state not in NEXT_STATES[order.state]:
        raise Refused.of(f"order {order.id}: cannot become {state.replace('_', ' ')}, it is {describe_state(order)}")
    if state is OrderState.DONE and not order.findings:
        raise Refused.of(f"order {order.id}: cannot be done without a finding; say what was found first")
    return replace(order, state=state, steps=(*order.steps, OrderStep(state, by.strip(), time.astimezone(UTC))))


def cure_done(order: Order) -> Cure | None:
    """Return the cure that the findings say was carried out; ``None`` when none of the order's cures was.

    A main that was replaced must have been replaced by the cure's size. Where something was freed besides, the cure
    that frees as well is meant.
    """
    laid = {" ".join(one.detail.split()).upper() for one in order.findings if one.kind is FindingKind.PIPE_REPLACED}
    freed = any(one.kind in FREEING for one in order.findings)
    if not laid and not freed:
        return None
    fitting = [cure for cure in order.cures if {size.upper() for size in cure.sizes} == laid]
    return next(iter([*(cure for cure in fitting if cure.frees == freed), *(fitting if laid else ())]), None)


def describe_state(order: Order) -> str:
    """Return the state in words, with the person and the time behind it, for a message."""
    words = order.state.replace("_", " ")
    if not order.steps:
        return words
    last = order.steps[-1]
    return f"{words} by {last.by} since {last.time.isoformat(timespec='seconds')}"


_SHORT_FORMS = {
    kind.removeprefix("valve "): kind
    for kind in FindingKind
    if kind.startswith("valve ") and kind is not FindingKind.VALVE_REPLACED
}


def parse_finding(words: str) -> tuple[FindingKind, str]:
    """Return the kind and the detail of a finding given in words: ``seized``, ``pipe replaced by PE100 SDR11 DN110``.

    Raises
    ------
    Refused
        The words are not on the list, or the finding must say by what and does not.
    """
    text = " ".join(words.replace("_", " ").split())
    names = {**_SHORT_FORMS, **{kind.value: kind for kind in FindingKind}}
    for name in sorted(names, key=len, reverse=True):
        if text.lower() != name and not text.lower().startswith((name + " ", name + ":")):
            continue
        kind, detail = names[name], text[len(name) :].strip(" :")
        if kind in NEEDS_DETAIL and not detail:
            raise Refused.of(f"finding {words!r}: by what? expected e.g. '{kind} PE100 SDR11 DN110'")
        return kind, detail
    raise Refused.of(f"finding {words!r} is not on the list: {', '.join(FindingKind)}")
