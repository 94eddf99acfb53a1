"""Diagnoses that are kept, and runs that make new ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.access import Operator, Person, Serving, Viewer
from api.context import Context
from api.once import Key, reused
from api.paging import Cursor, Limit, cut, number_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.runs import Question
from api.schemas.diagnosis import DiagnosisDocument, DiagnosisEntryView, DiagnosisView, NewRun, RunView
from api.schemas.view import Page, Row
from api.views import AlarmTeller, run_view
from models.alarm import diagnosis_key
from models.diagnosis import DiagnosisEntry
from models.problem import Unavailable

ROUTER = router("diagnoses")
LONGEST_WINDOW = timedelta(days=7)
Missing = responses(ProblemType.MISSING)
Starting = responses(ProblemType.MISSING, ProblemType.BUSY, ProblemType.KEY_REUSED)


@ROUTER.get("/diagnoses")
def list_diagnoses(
    _person: Viewer, context: Serving, limit: Limit = 100, cursor: Cursor = None
) -> Page[DiagnosisEntryView]:
    """Kept diagnoses, the newest first, without their documents."""
    found = context.pages.diagnoses(number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda one: (one.id,))
    return Page(items=[DiagnosisEntryView.model_validate(one) for one in page], next=following)


@ROUTER.get("/diagnoses/{diagnosis_id}", responses=Missing)
def get_diagnosis(_person: Viewer, context: Serving, diagnosis_id: Row) -> DiagnosisView:
    """A kept diagnosis with its document, the alarms that speak of its causes and the order that came of it."""
    entry, document = _entry(context, diagnosis_id), context.records.diagnosis(diagnosis_id)
    keys = {diagnosis_key(cause["kind"], cause["elements"]) for cause in document["causes"]}
    tell = AlarmTeller(context)
    return DiagnosisView(
        **DiagnosisEntryView.model_validate(entry).model_dump(),
        document=DiagnosisDocument.model_validate(document),
        order_id=context.pages.order_of_diagnosis(diagnosis_id),
        alarms=[tell(alarm) for alarm in context.records.open_alarms() if alarm.key in keys],
    )


@ROUTER.post("/diagnoses/{diagnosis_id}/rerun", status_code=202, responses=Starting)
def rerun_diagnosis(person: Operator, context: Serving, diagnosis_id: Row, key: Key = None) -> RunView:
    """Explain the same window again, with what is known now."""
    entry, document = _entry(context, diagnosis_id), context.records.diagnosis(diagnosis_id)
    complaint = document.get("complaint") or {}
    node = None if entry.complaint_id is not None else complaint.get("node")
    question = Question(entry.window_start, entry.window_end, node, entry.complaint_id)
    return _start(context, question, person, key, f"rerun/{diagnosis_id}")


@ROUTER.get("/diagnosis-runs")
def list_runs(_person: Viewer, context: Serving) -> list[RunView]:
    """The runs since the service was started, the newest first."""
    return [run_view(context, run) for run in context.runs.runs()]


@ROUTER.post("/diagnosis-runs", status_code=202, responses=Starting)
def start_run(person: Operator, context: Serving, asked: NewRun, key: Key = None) -> RunView:
    """Ask for a diagnosis. It is made beside the service; `change` events and this run's state tell how far it is."""
    if asked.node is not None and asked.node not in context.bench.engine.network.node_index:
        raise ApiProblem(ProblemType.INVALID, f"run: node {asked.node} is none of the network")
    end = asked.end or context.now()
    if asked.complaint_id is not None:
        said = context.records.complaint(asked.complaint_id).time
        end = asked.end or said + timedelta(minutes=5)
    start = asked.start or end - timedelta(hours=context.site.monitor.window_h)
    _check(start, end)
    question = Question(start, end, asked.node, asked.complaint_id)
    return _start(context, question, person, key, asked.model_dump_json())


@ROUTER.get("/diagnosis-runs/{run_id}", responses=Missing)
def get_run(_person: Viewer, context: Serving, run_id: Row) -> RunView:
    """How far a run is."""
    return run_view(context, context.runs.run(run_id))


@ROUTER.delete("/diagnosis-runs/{run_id}", responses=Missing)
def cancel_run(_person: Operator, context: Serving, run_id: Row) -> RunView:
    """Cancel a run; nothing of it is kept."""
    return run_view(context, context.runs.cancel(run_id))


def _start(context: Context, question: Question, person: Person, key: str | None, asked: str) -> RunView:
    """Begin a run; asked again under the same key, it is answered with the run as it is now.

    Runs end with the service, and so do their keys.
    """
    named = f"{person.name} {key}" if key else ""
    try:
        run = context.runs.start(question, person.full_name, context.wall(), named, asked)
    except Unavailable as error:
        raise ApiProblem(ProblemType.BUSY, str(error), retry_after_s=30.0) from error
    if run.request != asked:
        raise reused(key)
    return run_view(context, run)


def _check(start: datetime, end: datetime) -> None:
    if not timedelta(0) < end - start <= LONGEST_WINDOW:
        span = f"{start.isoformat()} to {end.isoformat()}"
        raise ApiProblem(ProblemType.INVALID, f"run: window {span}, expected more than nothing and at most 7 days")


def _entry(context: Context, diagnosis_id: int) -> DiagnosisEntry:
    entry = context.pages.diagnosis_entry(diagnosis_id)
    if entry is None:
        raise ApiProblem(ProblemType.MISSING, f"diagnosis {diagnosis_id}: there is none of that id")
    return entry
