"""What-ifs: changes solved at once; scenarios: changes under a name."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response

from api.access import Engineer, Operator, Person, Serving, Viewer
from api.context import Context
from api.once import DoneOnce
from api.paging import Cursor, Limit, cut, number_of
from api.problems import ApiProblem, ProblemType, responses
from api.routes.binary import BINARY, packed_response
from api.routes.router import router
from api.routes.state import belief_at
from api.schemas.view import Page, Row, Version
from api.schemas.whatif import (
    ChangeAsked,
    NewScenario,
    ScenarioChange,
    ScenarioView,
    WhatIfAsked,
    WhatIfView,
)
from api.tables import csv_response
from api.trial import Basis, Named, Trial, apply, faults_believed, of_diagnosis, scenario_of
from api.verdict import verdict
from api.views import scenario_view
from models.scenario import Change, ChangeKind, Scenario
from models.user import Role

ROUTER = router("what-ifs")
WhatIfId = Annotated[str, Path(max_length=40)]
Trying = responses(ProblemType.MISSING, ProblemType.UNSOLVED)
Kept = responses(ProblemType.GONE)


@ROUTER.post("/whatifs", responses=Trying)
def try_whatif(_person: Operator, context: Serving, asked: WhatIfAsked) -> WhatIfView:
    """Solve the network before and after changes; nothing is kept but for exports of the latest."""
    started = time.perf_counter()
    basis, belief = _basis(context, asked)
    cure = _cure(context, asked)
    changes = [*_changes_of(context, cure), *(change_of(one) for one in asked.changes)]
    trial = context.bench.run(basis, changes, _cured(cure))
    view = verdict(trial, context.bench, context.site, belief)
    return view.model_copy(update={"elapsed_ms": 1e3 * (time.perf_counter() - started)})


@ROUTER.get("/whatifs/{whatif_id}/arrays", response_class=Response, responses={**BINARY, **Kept})
def get_whatif_arrays(_person: Operator, request: Request, context: Serving, whatif_id: WhatIfId) -> Response:
    """Pressures, flows, velocities and unit headlosses before and after, as binary arrays."""
    return packed_response(request, context.bench.packed(_trial(context, whatif_id)))


@ROUTER.get(
    "/whatifs/{whatif_id}/nodes.csv",
    response_class=Response,
    responses={**Kept, 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def export_whatif_nodes(_person: Operator, context: Serving, whatif_id: WhatIfId) -> Response:
    """Every node before and after, as a table for a spreadsheet."""
    trial, network = _trial(context, whatif_id), context.bench.engine.network
    before, after = trial.state_before.pressure, trial.state_after.pressure
    header = ("node", "pressure before [m]", "pressure after [m]", "difference [m]")
    rows = [
        (
            node,
            round(float(before[place]), 3),
            round(float(after[place]), 3),
            round(float(after[place] - before[place]), 3),
        )
        for node, place in network.node_index.items()
    ]
    return csv_response("what-if.csv", header, rows)


@ROUTER.get(
    "/whatifs/{whatif_id}/network.inp",
    response_class=Response,
    responses={**Kept, 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def export_whatif_network(_person: Operator, context: Serving, whatif_id: WhatIfId) -> Response:
    """The network with the changes in it, as EPANET reads it."""
    return _inp(context, _trial(context, whatif_id).changes, "what-if.inp")


@ROUTER.get("/scenarios")
def list_scenarios(_person: Viewer, context: Serving, limit: Limit = 100, cursor: Cursor = None) -> Page[ScenarioView]:
    """Scenarios, the newest first."""
    found = context.scenarios.scenarios(number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda one: (one.id,))
    return Page(items=[scenario_view(one) for one in page], next=following)


@ROUTER.post("/scenarios", status_code=201, response_model=ScenarioView, responses=responses(ProblemType.KEY_REUSED))
def keep_scenario(person: Operator, context: Serving, once: DoneOnce, asked: NewScenario) -> Response:
    """Keep changes under a name."""
    changes = _checked(context, asked.changes)

    def work() -> ScenarioView:
        now = context.wall()
        scenario = Scenario(asked.name.strip(), changes, person.full_name, now, now, asked.note)
        return scenario_view(context.scenarios.keep(scenario))

    return once(person, asked, 201, work)


@ROUTER.get("/scenarios/{scenario_id}", responses=responses(ProblemType.MISSING))
def get_scenario(_person: Viewer, context: Serving, scenario_id: Row) -> ScenarioView:
    """One scenario."""
    return scenario_view(context.scenarios.scenario(scenario_id))


@ROUTER.put("/scenarios/{scenario_id}", responses=responses(ProblemType.MISSING, ProblemType.CHANGED))
def revise_scenario(person: Operator, context: Serving, scenario_id: Row, asked: ScenarioChange) -> ScenarioView:
    """Replace a scenario's name, note and changes; another's scenario needs an engineer."""
    seen = _own(person, context.scenarios.scenario(scenario_id))
    changes = _checked(context, asked.changes)
    now = context.wall()
    wanted = Scenario(asked.name.strip(), changes, seen.by, seen.created, now, asked.note, scenario_id, asked.version)
    return scenario_view(context.scenarios.revise(wanted, person.full_name, now))


@ROUTER.delete(
    "/scenarios/{scenario_id}", status_code=204, responses=responses(ProblemType.MISSING, ProblemType.CHANGED)
)
def drop_scenario(person: Operator, context: Serving, scenario_id: Row, version: Version) -> None:
    """Let a scenario no longer be found; another's scenario needs an engineer."""
    seen = _own(person, context.scenarios.scenario(scenario_id))
    now = context.wall()
    kept = Scenario(seen.name, seen.changes, seen.by, seen.created, now, seen.note, scenario_id, version)
    context.scenarios.drop(kept, person.full_name, now)


@ROUTER.get(
    "/scenarios/{scenario_id}/network.inp",
    response_class=Response,
    responses={
        **responses(ProblemType.MISSING, ProblemType.UNSOLVED),
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
def export_scenario_network(_person: Engineer, context: Serving, scenario_id: Row) -> Response:
    """The network with a scenario's changes in it, as EPANET reads it."""
    scenario = context.scenarios.scenario(scenario_id)
    return _inp(context, scenario.changes, f"scenario-{scenario_id}.inp")


def change_of(asked: ChangeAsked) -> Change:
    """Return a change of the house's vocabulary."""
    return Change(asked.kind, asked.element, asked.value, asked.size.strip())


def _basis(context: Context, asked: WhatIfAsked) -> tuple[Basis, bool]:
    """Return what a trial starts from, and whether measurements drive it."""
    number, network = asked.from_diagnosis, context.bench.engine.network
    document = None if number is None else context.records.diagnosis(number)
    if asked.at == "diagnosis":
        if number is None or document is None:
            raise ApiProblem(ProblemType.INVALID, "what-if: at is diagnosis, but from_diagnosis is not given")
        return of_diagnosis(document, number, network), True
    basis, measured = _instant(context, asked.at)
    if number is not None and document is not None:
        faults = faults_believed(document, number, network)
        basis = replace(basis, key=f"{basis.key}/diagnosis/{number}", faults=faults)
    return basis, measured


def _instant(context: Context, at: Literal["now", "peak"] | datetime) -> tuple[Basis, bool]:
    if at == "peak":
        return context.bench.peak(), False
    belief = belief_at(context, at)
    out = "+".join(sorted(context.works.out_of_scan()))
    basis = Basis(f"{belief.time.isoformat()}/{out}", belief.conditions, belief.network_time_s, belief.time)
    return basis, belief.basis == "measured"


def _cure(context: Context, asked: WhatIfAsked) -> Mapping[str, Any]:
    """Return one of a diagnosis' cures; an empty one where none is asked for."""
    if asked.cure is None:
        return {"replace": (), "faults": ()}
    if asked.from_diagnosis is None:
        raise ApiProblem(ProblemType.INVALID, "what-if: cure is given without from_diagnosis")
    cures: list[dict[str, Any]] = context.records.diagnosis(asked.from_diagnosis)["cures"]
    if asked.cure >= len(cures):
        said = f"what-if: cure {asked.cure}, expected less than {len(cures)}, as many as the diagnosis has"
        raise ApiProblem(ProblemType.INVALID, said)
    return cures[asked.cure]


def _changes_of(context: Context, cure: Mapping[str, Any]) -> list[Change]:
    """Return what a cure changes in the network's own words: mains laid anew, links freed, boundaries closed."""
    network = context.bench.engine.network
    changes = [
        Change(ChangeKind.REPLACE, link, None, main["size"]) for main in cure["replace"] for link in main["links"]
    ]
    for fault in cure["faults"]:
        for element in fault["elements"]:
            if fault["kind"] in ("blocked_link", "closed_link"):
                # A link that the network no longer has is refused with the other changes, in words.
                place = network.link_index.get(element)
                loss = 0.0 if place is None else float(network.minor_loss[place])
                changes.append(Change(ChangeKind.MINOR_LOSS, element, loss))
            elif fault["kind"] == "open_boundary":
                changes.append(Change(ChangeKind.CLOSE, element))
    return changes


def _cured(cure: Mapping[str, Any]) -> set[Named]:
    """Return the faults that a cure takes away."""
    return {(fault["kind"], tuple(fault["elements"])) for fault in cure["faults"]}


def _checked(context: Context, asked: list[ChangeAsked]) -> tuple[Change, ...]:
    """Return changes that this network can carry; every problem at once where it cannot."""
    changes = tuple(change_of(one) for one in asked)
    bench = context.bench
    apply(bench.peak().conditions, changes, bench.engine.network, bench.catalogue)
    return changes


def _trial(context: Context, whatif_id: str) -> Trial:
    trial = context.bench.trial(whatif_id)
    if trial is None:
        raise ApiProblem(ProblemType.GONE, f"what-if {whatif_id}: is no longer kept, expected to be tried again")
    return trial


def _own(person: Person, scenario: Scenario) -> Scenario:
    if scenario.by != person.full_name and not person.role.may(Role.ENGINEER):
        raise ApiProblem(ProblemType.FORBIDDEN, f"scenario {scenario.id}: is {scenario.by}'s, expected an engineer")
    return scenario


def _inp(context: Context, changes: tuple[Change, ...], name: str) -> Response:
    bench = context.bench
    wanted = scenario_of(changes, bench.engine.network, bench.catalogue)
    with tempfile.TemporaryDirectory(prefix="hydro-export-") as folder:
        path = FilePath(folder) / "network.inp"
        bench.engine.save(path, wanted)
        content = path.read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)
