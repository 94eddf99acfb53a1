"""The demo with its console: the morning runs by itself, the visitor finds out why and sends the crew."""

from __future__ import annotations

import secrets
import time
import webbrowser
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cli.stage import Casting, Stage
from cli.story import (
    diagnosis,
    documented_link,
    fault_and_complaint,
    first_event,
    healthy,
    repair,
    verified,
)
from cli.telling import Play, Step, Teller
from models.complaint import Complaint
from models.order import OrderState
from models.site_file import load_site
from models.user import Role, Token, User
from stores.accounts import Accounts
from stores.records import Records

NAMES = ("healthy", "fault", "complaint", "diagnosis", "repair", "verified")
"""The visitor measures and compares cures in the console; the stage does not tell of it."""
VISITOR = User("visitor", "Visitor", Role.ADMIN, datetime(2026, 1, 1, tzinfo=UTC))
LINK_LASTS = timedelta(hours=1)
CALM, HURRIED = 30.0, 600.0
"""Plant seconds a wall second: while the visitor looks, and while the crew digs."""
LOOKS_S = 0.5
"""How often the stage looks whether the visitor has sent the crew [s]."""


def receive(stage: Stage, casting: Casting, teller: Teller, browser: bool) -> list[Step]:
    """Open the console and play the morning around the visitor, until interrupted."""
    site = load_site(stage.site)
    with Records(site.stores.records_url) as records:
        story = Play(stage, casting, site, records, teller, casting.fault_link or documented_link(casting), NAMES)
        address = stage.url + sign_in_path(records)
        opened = browser and webbrowser.open(address)
        teller.say([f"The console{' is open in your browser' if opened else ''}: {address}", "Ctrl-C ends the demo."])
        with suppress(KeyboardInterrupt), story.under_way():
            _morning(story)
            teller.say(["That was the case. The plant and the console go on; Ctrl-C ends them."])
            while True:
                story.stage.check()
                time.sleep(LOOKS_S)
        return story.steps


def sign_in_path(records: Records) -> str:
    """Return a path that signs one browser in as the visitor, once; nobody has to type a password for a demo."""
    from api.access import LINK
    from api.passwords import digest, hash_password, new_secret

    accounts = Accounts(records.database)
    accounts.add_user(VISITOR, hash_password(secrets.token_urlsafe(16)), "demo")
    secret, now = new_secret(), datetime.now(UTC)
    accounts.add_token(digest(secret), Token(0, VISITOR.name, LINK, VISITOR.role, now, now + LINK_LASTS))
    return f"/sign-in?link={secret}"


def _morning(story: Play) -> None:
    if not healthy(story, first_event(story.casting)):
        return
    complaint = fault_and_complaint(story)
    if complaint is None:
        return
    document = diagnosis(story, complaint)
    if document is None:
        return
    story.crew.pace(CALM)
    story.teller.say(
        [
            "The alarm stands in the console. Three clicks: Why, Test fix, Dispatch.",
            "报警已在控制台中。三步：原因、试算方案、派单。",
        ]
    )
    _wait_for_dispatch(story, complaint)
    story.crew.pace(HURRIED)
    work = repair(story, complaint, document)
    if work is not None:
        verified(story, complaint, work)
    story.crew.pace(CALM)


def _wait_for_dispatch(story: Play, complaint: Complaint) -> None:
    """Wait, for as long as the visitor looks around, until an order for the complaint is on its way."""
    while True:
        story.stage.check()
        orders = story.records.open_orders()
        if any(one.complaint_id == complaint.id and one.state is not OrderState.DRAFT for one in orders):
            return
        time.sleep(LOOKS_S)
