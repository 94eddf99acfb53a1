"""From the house's vocabulary to the bodies of answers, where more than a field's copy is needed."""

from __future__ import annotations

from dataclasses import asdict

from api.blames import RECENT
from api.context import Context
from api.runs import Run
from api.schemas.alarms import AlarmEventView, AlarmView
from api.schemas.complaints import ComplaintView
from api.schemas.diagnosis import RunState, RunView
from api.schemas.orders import FindingView, GainView, NoticeView, OrderView, PhotoView
from api.schemas.points import OutOfScanView
from api.schemas.whatif import ChangeView, ScenarioView
from api.schemas.works import WorksView
from models.alarm import Alarm, AlarmEntry, AlarmKind
from models.complaint import Complaint
from models.notice import render
from models.order import Gain, Order
from models.scenario import Scenario
from models.works import WorksWindow
from service.findings import gain_holds


def alarm_id(key: str) -> str:
    """Return an alarm's key as it stands in a path: ``/`` as ``~1`` and ``~`` as ``~0``, as in RFC 6901."""
    return key.replace("~", "~0").replace("/", "~1")


def alarm_key(name: str) -> str:
    """Return the key of an alarm from its name in a path."""
    return name.replace("~1", "/").replace("~0", "~")


def alarm_view(alarm: Alarm, diagnosis_id: int | None, order_id: int | None) -> AlarmView:
    """Return an alarm with what became of it."""
    told = {name: getattr(alarm, name) for name in AlarmView.model_fields if hasattr(alarm, name)}
    return AlarmView.model_validate(
        {**told, "id": alarm_id(alarm.key), "diagnosis_id": diagnosis_id, "order_id": order_id}
    )


class AlarmTeller:
    """Turns alarms into views, looking up once what several of them need."""

    def __init__(self, context: Context) -> None:
        self._orders = context.pages.orders_by_alarm()
        self._diagnoses = _diagnosis_by_alarm(context)

    def __call__(self, alarm: Alarm) -> AlarmView:
        """Return the view of an alarm."""
        known = self._diagnoses.get(alarm.key) if alarm.kind is AlarmKind.DIAGNOSIS else None
        return alarm_view(alarm, known, self._orders.get(alarm.key))


def _diagnosis_by_alarm(context: Context) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in context.pages.diagnoses(limit=RECENT):
        for key in context.blames(entry.id):
            found.setdefault(key, entry.id)
    return found


def alarm_event_view(entry: AlarmEntry) -> AlarmEventView:
    """Return a line of the log of alarm events."""
    return AlarmEventView.model_validate({**asdict(entry), "id": alarm_id(entry.key)})


def complaint_view(complaint: Complaint) -> ComplaintView:
    """Return a complaint."""
    return ComplaintView.model_validate(complaint)


def gain_view(gain: Gain | None) -> GainView | None:
    """Return a gain with what was measured and whether it holds."""
    if gain is None:
        return None
    return GainView(**asdict(gain), measured_m=gain.measured_m, difference_m=gain.difference_m, holds=gain_holds(gain))


def order_view(context: Context, order: Order) -> OrderView:
    """Return an order with its photos and notices."""
    zone = context.site.time_zone
    notices = [
        NoticeView.model_validate({**asdict(one), "text": render(one, zone)})
        for one in context.records.notices(order_id=order.id)
    ]
    return OrderView(
        id=order.id,
        version=order.version,
        state=order.state,
        created=order.created,
        crew=order.crew,
        place=order.place,
        causes=list(order.causes),
        isolation=list(order.isolation),
        measurements=list(order.measurements),
        bring=list(order.bring),
        cures=list(order.cures),
        gain=gain_view(order.gain),
        steps=list(order.steps),
        findings=[FindingView.model_validate(one) for one in order.findings],
        photos=[PhotoView.model_validate(one) for one in context.photos.photos(order.id)],
        notices=notices,
        complaint_id=order.complaint_id,
        diagnosis_id=order.diagnosis_id,
        alarm_id=alarm_id(order.alarm_key) if order.alarm_key else None,
    )


def run_view(context: Context, run: Run) -> RunView:
    """Return a run and how far it is."""
    return RunView(
        id=run.id,
        state=RunState(run.state),
        asked_by=run.asked_by,
        asked=run.asked,
        window_start=run.question.start,
        window_end=run.question.end,
        node=run.question.node,
        complaint_id=run.question.complaint_id,
        elapsed_s=context.runs.elapsed_s(run),
        diagnosis_id=run.diagnosis_id,
        problem=run.problem,
    )


def scenario_view(scenario: Scenario) -> ScenarioView:
    """Return a scenario."""
    told = {name: getattr(scenario, name) for name in ScenarioView.model_fields if name != "changes"}
    return ScenarioView(**told, changes=[ChangeView.model_validate(change) for change in scenario.changes])


def works_view(context: Context, window: WorksWindow) -> WorksView:
    """Return works and whether they go on."""
    told = {name: getattr(window, name) for name in WorksView.model_fields if hasattr(window, name)}
    return WorksView.model_validate({**told, "holds_now": window.holds_at(context.now())})


def out_of_scan_views(context: Context) -> dict[str, OutOfScanView]:
    """Return the points that are out of scan, by name."""
    return {name: OutOfScanView.model_validate(one) for name, one in context.works.out_of_scan().items()}
