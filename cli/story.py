"""The story that the demo plays and tells: eight steps, each with what happened at the plant and the figures."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cli.stage import Casting, Stage
from cli.telling import Play, Step, Teller
from models.alarm import AlarmKind
from models.complaint import Complaint
from models.measurement import HandReading
from models.order import FindingKind, Gain, Order, OrderState
from models.register import RegisteredValve
from models.site_file import load_site
from monitor.expectation import HUNG, forecast_pressure
from service.desk import take_complaint
from service.findings import GAIN_TOLERANCE_M, close_order, gain_holds, record_findings, record_pressures
from stores.records import Records

NAMES = ("healthy", "fault", "complaint", "diagnosis", "measurement", "what-if", "repair", "verified")
MOST_MEASUREMENTS, SURE = 2, 0.8
"""A crew measures once more while no cause in the street is this probable; the documented valve must be."""
LEADING = 5
"""Among so many causes the blocked main must be once a crew has measured."""
CREW_MINUTES = 10.0
"""How long a crew reads a gauge, in plant time."""
LOOKED_AFTER = timedelta(minutes=80)
"""Plant time from the repair to the end of the reading that verifies it."""
FOREMAN = "crew 2, Li"
BLOCKED = frozenset({"blocked_link", "closed_link"})


@dataclass(frozen=True, slots=True)
class Work:
    """A cure that was carried out: the pressure before it, and what was forecast then [m] for when.

    ``suspects``: the mains that were suspected; no alarm may go on blaming one of them.
    """

    order: Order
    suspects: list[str]
    cure: dict[str, Any]
    before: float
    forecast: float
    looked: datetime


def play(stage: Stage, casting: Casting, teller: Teller) -> list[Step]:
    """Play the story to its end, or to the first step that does not happen."""
    site = load_site(stage.site)
    with Records(site.stores.records_url) as records:
        story = Play(stage, casting, site, records, teller, casting.fault_link or documented_link(casting), NAMES)
        with story.under_way():
            _tell_all(story)
        return story.steps


def _tell_all(story: Play) -> None:
    if not healthy(story, first_event(story.casting)):
        return
    complaint = fault_and_complaint(story)
    if complaint is None:
        return
    document = diagnosis(story, complaint)
    if document is None:
        return
    measured = _measurement(story, complaint, document)
    if measured is None:
        return
    if not _what_if(story, measured):
        return
    work = repair(story, complaint, measured)
    if work is None:
        return
    verified(story, complaint, work)


def healthy(story: Play, until: datetime) -> bool:
    """Wait for the last minutes before the fault; tell whether anything was blamed until then."""
    story.wait(lambda: story.crew.time() >= until - timedelta(minutes=5))
    blames = [alarm.key for alarm in story.records.open_alarms() if alarm.kind is AlarmKind.DIAGNOSIS]
    beat = story.records.plant_time()
    figures = {"blames": blames, "monitored_to": beat.isoformat() if beat else None}
    if beat is None or until - beat >= timedelta(hours=1):
        return story.done("healthy", figures, [], "the monitor does not follow the plant")
    why_not = "something is blamed before anything has happened" if blames else ""
    return story.done("healthy", figures, [f"monitor follows the plant; {len(blames)} blames of a pipe"], why_not)


def fault_and_complaint(story: Play) -> Complaint | None:
    """Wait for the customer to ring, and take the complaint down."""
    raised = story.wait(story.crew.complaints)
    if not raised:
        story.missed("fault", "nobody complained")
        return None
    said = raised[0]
    story.done("fault", {"link": story.blocked}, [f"main {story.blocked} has been throttled at the plant"])
    time_ = datetime.fromisoformat(said["time"])
    complaint = take_complaint(
        story.site, story.records, said["customer"], said["words"], time_, said.get("reading_m"), "hotline"
    )
    name = story.site.customer(complaint.customer_id).name
    story.done(
        "complaint",
        {"customer_id": complaint.customer_id, "node": complaint.node},
        [f"{name} rings the hotline: {complaint.words}"],
    )
    return complaint


def diagnosis(story: Play, complaint: Complaint) -> dict[str, Any] | None:
    """Wait for the complaint to be diagnosed; return the document. It may rank the blocked main anywhere, yet."""
    number = story.wait(lambda: story.records.complaint(complaint.id).diagnosis_id)
    if not number:
        story.missed("diagnosis", "no diagnosis came")
        return None
    document = story.records.diagnosis(number)
    figures = {
        "rank_of_blocked": rank(document, story.blocked),
        "probability_of_blocked": round(probability(document, story.blocked), 3),
        "causes": [_short(cause) for cause in document["causes"][:5]],
        "attribution": document["attribution"],
        "elapsed_s": round(document["elapsed_s"], 2),
    }
    lines = [_line(cause) for cause in document["causes"][:5]]
    lines += [
        f"{one['head_m']:6.1f} m  {one['term']} {' '.join(one['elements'][:3])}" for one in document["attribution"]
    ]
    named = story.done("diagnosis", figures, lines, "" if document["causes"] else "the diagnosis names no cause")
    return document if named else None


def _measurement(story: Play, complaint: Complaint, document: dict[str, Any]) -> dict[str, Any] | None:
    """Take the proposed measurement, and once more the one proposed after it while no cause in the street is sure."""
    told, taken = document, list[dict[str, Any]]()
    for _ in range(MOST_MEASUREMENTS):
        proposed = told["next_measurements"]
        if not proposed or (taken and _surest(told) >= SURE):
            break
        node = proposed[0]["node"]
        value = story.crew.pressure(node, CREW_MINUTES)
        reading = HandReading(node, story.crew.time(), value, FOREMAN, complaint_id=complaint.id)
        number = _answer_to(story, complaint, reading)
        if number is None:
            break
        taken.append({"node": node, "value_m": round(value, 2), "bits": round(proposed[0]["bits"], 2)})
        told = story.records.diagnosis(number)
    figures = {
        "readings": taken,
        "rank_of_blocked": rank(told, story.blocked),
        "probability_of_blocked": round(probability(told, story.blocked), 3),
        "causes": [_short(cause) for cause in told["causes"][:5]],
        "attribution": told["attribution"],
    }
    lines = [f"crew reads {one['value_m']:.1f} m at {one['node']}, worth {one['bits']:.2f} bits" for one in taken]
    lines += [_line(cause) for cause in told["causes"][:3]]
    why_not = unproven(told, story.blocked, story.documented) if taken else "no reading was taken and answered"
    return told if story.done("measurement", figures, lines, why_not) else None


def unproven(document: dict[str, Any], blocked: str, documented: bool) -> str:
    """Return in what a diagnosis that has a crew's readings falls short of what it must say of the blocked main."""
    place, chance = rank(document, blocked), probability(document, blocked)
    if place is None or place > LEADING:
        return f"{blocked} is number {place or 'none'} of the causes, expected among the first {LEADING}"
    if documented and chance < SURE:
        return f"{blocked} is blocked with a probability of {chance:.2f}, expected {SURE} or more"
    return ""


def _answer_to(story: Play, complaint: Complaint, reading: HandReading) -> int | None:
    """Enter a reading and return the diagnosis that follows from it."""
    old = story.records.complaint(complaint.id).diagnosis_id
    story.records.keep_hand_reading(reading)
    number: int | None = story.wait(lambda: _newer(story.records.complaint(complaint.id).diagnosis_id, old))
    return number


def _surest(document: dict[str, Any]) -> float:
    """Return the probability of the likeliest cause in the street."""
    street = [one["probability"] for one in document["causes"] if one["kind"] in BLOCKED or one["kind"] == "leak"]
    return float(max(street, default=0.0))


def _what_if(story: Play, document: dict[str, Any]) -> bool:
    cures = document["cures"]
    lines = [f"{cure['regained_m']:6.1f} m back, {cure['pressure_m']:5.1f} m: {cure['change']}" for cure in cures]
    figures = {"cures": [{key: cure[key] for key in ("change", "regained_m", "pressure_m")} for cure in cures]}
    return story.done("what-if", figures, lines, "" if cures else "the diagnosis knows no cure")


def repair(story: Play, complaint: Complaint, document: dict[str, Any]) -> Work | None:
    """Do at the plant what the order and the first cure of a diagnosis say; a draft is dispatched first.

    The crew looks at one suspected main after the other, the order's place first; only where the plant is blocked does
    it find anything to free.
    """
    order = story.wait(lambda: _order_for(story, complaint))
    if order is None:
        story.missed("repair", "no work order was drafted")
        return None
    if order.state is OrderState.DRAFT:
        order = story.records.advance_order(order, OrderState.DISPATCHED, "dispatcher Wang", story.crew.time(), FOREMAN)
    mains = suspects(order, document)
    found = findings(mains, story.blocked, story.site.valves)
    if story.blocked not in mains:
        record_findings(story.records, order.id, found, FOREMAN, story.crew.time())
        why_not = f"order {order.id} sends nobody to {story.blocked}, which is blocked"
        story.done("repair", {"order": order.id, "findings": found}, [f"found {', '.join(found)}"], why_not)
        return None
    cure = document["cures"][0]
    before = story.crew.pressure(complaint.node, CREW_MINUTES)
    # Told before anything is touched: what the diagnosis promises for the time at which the gauge will hang again.
    looked = story.crew.time() + LOOKED_AFTER
    forecast = forecast_pressure(cure, looked) - before
    story.crew.repair(story.blocked, minor_loss=0.0)
    for laid in cure["replace"]:
        for link in laid["links"]:
            story.crew.repair(link, diameter_mm=laid["inner_mm"], roughness=laid["roughness"], minor_loss=0.0)
        found.append(f"pipe replaced by {laid['size']}")
    now = story.crew.time()
    order = record_findings(story.records, order.id, found, FOREMAN, now)
    order = story.records.record_gain(order.id, Gain(complaint.node, forecast, forecast + before), FOREMAN, now)
    place = order.place
    figures = {
        "order": order.id,
        "valve": place.valve_id,
        "link": place.link,
        "findings": found,
        "cure": cure["change"],
        "before_m": round(before, 2),
        "forecast_gain_m": round(forecast, 2),
        "forecast_for": looked.isoformat(),
    }
    lines = [
        f"order {order.id}: valve {place.valve_id} on {place.link}, {place.street}; found {', '.join(found)}",
        f"{before:.1f} m before the work; {forecast:.1f} m more are forecast for {looked:%H:%M}",
    ]
    story.done("repair", figures, lines)
    return Work(order, mains, cure, before, forecast, looked)


def _order_for(story: Play, complaint: Complaint) -> Order | None:
    """Return the complaint's order once it says what the newest diagnosis does, or is on its way."""
    newest = story.records.complaint(complaint.id).diagnosis_id or 0
    for order in story.records.open_orders():
        told = order.diagnosis_id is not None and order.diagnosis_id >= newest
        if order.complaint_id == complaint.id and (told or order.state is not OrderState.DRAFT):
            return order
    return None


def suspects(order: Order, document: dict[str, Any]) -> list[str]:
    """Return the mains to look at for a blockage, one after the other.

    First the order's place, then what else the order suspects; a crew that finds all of them free asks the office for
    what else leads in the diagnosis.
    """
    links = [link for cause in order.causes if cause.kind in BLOCKED for link in cause.elements]
    first = [order.place.link] if order.place.link in links else []
    more = [link for cause in document["causes"][:LEADING] if cause["kind"] in BLOCKED for link in cause["elements"]]
    return list(dict.fromkeys([*first, *links, *more]))


def findings(mains: Sequence[str], blocked: str, valves: Sequence[RegisteredValve]) -> list[str]:
    """Return what a crew finds that looks at one main after the other until it comes to the blocked one."""
    found: list[str] = []
    for link in mains:
        valve = next((one.valve_id for one in valves if one.link == link), "")
        if link == blocked:
            return [*found, f"{FindingKind.DEBRIS}: {valve or link}"]
        found.append(f"{FindingKind.VALVE_OPEN}: {valve}" if valve else f"{FindingKind.NOTHING_FOUND}: {link}")
    return found or [str(FindingKind.NOTHING_FOUND)]


def verified(story: Play, complaint: Complaint, work: Work) -> None:
    """Hold the pressure after the work against its forecast, and close the order."""
    story.wait(lambda: story.crew.time() >= work.looked - HUNG)
    after = story.crew.pressure(complaint.node, HUNG.total_seconds() / 60.0)
    now = story.crew.time()
    measured = after - work.before
    hindsight = _in_hindsight(story, complaint, work.cure, now) - work.before
    order = record_pressures(story.records, work.order.id, FOREMAN, now, work.before, after)
    holds = gain_holds(order.gain)
    close_order(story.records, order.id, FOREMAN, now)
    cleared = story.wait(lambda: not _blames(story, work))
    figures = {
        "before_m": round(work.before, 2),
        "after_m": round(after, 2),
        "measured_gain_m": round(measured, 2),
        "forecast_gain_m": round(work.forecast, 2),
        "forecast_holds": bool(holds),
        "hindsight_gain_m": round(hindsight, 2),
        "alarms_normal": bool(cleared),
        "order": str(story.records.order(order.id).state),
    }
    lines = [
        f"{work.before:.1f} m before, {after:.1f} m after: {measured:.1f} m gained, {work.forecast:.1f} m forecast",
        f"in hindsight, with tanks, pumps and meters as they were then, the model says {hindsight:.1f} m",
    ]
    # Of the documented case more is asked than that the gain is about the one that was forecast.
    near = not story.documented or abs(measured - work.forecast) <= GAIN_TOLERANCE_M
    why_not = "" if holds and near else "the gain is not the one that was forecast"
    if not cleared:
        why_not = f"{', '.join(_blames(story, work))} is not back to normal"
    story.done("verified", figures, lines if why_not else [*lines, "alarm back to normal, order closed"], why_not)


def _blames(story: Play, work: Work) -> list[str]:
    """Return the active alarms that blame a main that was suspected, freed or found free."""
    return [
        alarm.key
        for alarm in story.records.open_alarms()
        if alarm.active and alarm.kind is AlarmKind.DIAGNOSIS and set(work.suspects) & set(alarm.source.split("+"))
    ]


def _in_hindsight(story: Play, complaint: Complaint, cure: dict[str, Any], now: datetime) -> float:
    """Return the pressure [m] that the model gives at the complaint's node with the cure done, as things stand now.

    This is no forecast: tanks, pumps and meters are read after the repair. What is left of the forecast's error here
    is the model's; the rest is that the day was not a usual one.
    """
    from monitor.baseline_file import load_baseline
    from monitor.diagnoser import Diagnoser
    from monitor.expectation import expected_pressure
    from stores.telemetry import open_telemetry

    number = story.records.complaint(complaint.id).diagnosis_id
    assert number is not None and story.site.monitor.baseline_file is not None
    telemetry = open_telemetry(story.site.stores)
    diagnoser = Diagnoser(story.site, now)
    diagnoser.baseline = load_baseline(story.site.monitor.baseline_file)
    try:
        names = [point.name for point in story.site.points]
        samples = telemetry.range(names, now - HUNG, now)
        document = story.records.diagnosis(number)
        return expected_pressure(diagnoser, samples, now, complaint.node, document, cure)
    finally:
        diagnoser.close()
        telemetry.close()


def _newer(number: int | None, old: int | None) -> int | None:
    return number if number != old else None


def _of_link(cause: dict[str, Any], link: str) -> bool:
    return cause["kind"] in BLOCKED and link in cause["elements"]


def rank(document: dict[str, Any], link: str) -> int | None:
    """Return the place of a main's blockage among the causes."""
    return next((place for place, cause in enumerate(document["causes"], 1) if _of_link(cause, link)), None)


def probability(document: dict[str, Any], link: str) -> float:
    """Return the probability of a main's blockage."""
    return next((float(cause["probability"]) for cause in document["causes"] if _of_link(cause, link)), 0.0)


def _short(cause: dict[str, Any]) -> dict[str, Any]:
    severity = cause["severity"]
    return {
        "kind": cause["kind"],
        "elements": cause["elements"][:5],
        "probability": round(cause["probability"], 3),
        "head_lost_m": severity.get("head_lost_m"),
        "interval90": severity.get("interval90"),
    }


def _line(cause: dict[str, Any]) -> str:
    lost = cause["severity"].get("head_lost_m")
    metres = "" if lost is None else f"{lost:6.1f} m"
    return f"{100 * cause['probability']:5.1f} %  {cause['kind']} {' '.join(cause['elements'][:3])} {metres}"


def _events(casting: Casting) -> list[dict[str, Any]]:
    path = casting.sample / "plant" / "episodes" / f"{casting.episode}.toml"
    events: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["events"]
    return events


def documented_link(casting: Casting) -> str:
    """Return the main that the episode blocks."""
    return next(str(event["link"]) for event in _events(casting) if event["kind"] == "blockage")


def first_event(casting: Casting) -> datetime:
    """Return when the first thing happens at the plant."""
    return min(_moment(event["at"]) for event in _events(casting))


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
