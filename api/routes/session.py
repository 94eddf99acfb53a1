"""Signing in and out."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.responses import RedirectResponse

from api.access import LINK, Serving, Viewer, asker, check_origin
from api.context import VERSION, Context
from api.passwords import digest, hash_password, new_secret, password_is
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.schemas.session import PasswordChange, PersonView, SessionView, SignIn
from models.user import Session, User

LOG = logging.getLogger(__name__)
SESSION_LASTS = timedelta(hours=12)
"""A shift and a little more."""

ROUTER = router("session", open_to_all=True)
LINKS = router("session", open_to_all=True)
LINKS.prefix = ""


@ROUTER.get("/session")
def get_session(request: Request, context: Serving) -> SessionView:
    """Who has signed in; ``user`` is null for nobody."""
    person = asker(request, context)
    if person is None:
        return _view(context, None, None)
    known = PersonView(name=person.name, full_name=person.full_name, role=person.role)
    return _view(context, known, person.session)


@ROUTER.post("/session", responses=responses(ProblemType.WRONG_PASSWORD, ProblemType.TOO_MANY_TRIES), name="sign_in")
def sign_in(request: Request, response: Response, context: Serving, asked: SignIn) -> SessionView:
    """Sign in. The answer sets the session's cookie and tells its word for ``X-CSRF-Token``."""
    check_origin(request)
    known = _known_by(context, request, asked.name, asked.password, f"name/{asked.name}")
    session = open_session(context, response, known)
    return _view(context, PersonView.model_validate(known), session)


@ROUTER.delete("/session", status_code=204, name="sign_out")
def sign_out(request: Request, response: Response, context: Serving) -> None:
    """Sign out; harmless for whoever is not signed in."""
    person = asker(request, context)
    if person is not None and person.session is not None:
        context.accounts.close_session(person.session_digest, person.name)
    response.delete_cookie(context.cookie, secure=context.listening.secure, httponly=True, samesite="strict")


@ROUTER.post(
    "/session/password",
    status_code=204,
    responses=responses(ProblemType.WRONG_PASSWORD, ProblemType.TOO_MANY_TRIES),
)
def change_password(person: Viewer, request: Request, context: Serving, asked: PasswordChange) -> None:
    """Change one's own password; every session of one's own ends. Guessing is slowed as at the door."""
    _known_by(context, request, person.name, asked.present, f"password/{person.name}")
    with context.hashing:
        hashed = hash_password(asked.wanted)
    context.accounts.change_user(person.name, person.name, password=hashed)


@LINKS.get("/sign-in", status_code=303, response_class=RedirectResponse, name="follow_link")
def follow_link(context: Serving, link: Annotated[str, Query(max_length=200)]) -> RedirectResponse:
    """Sign in by a link that holds once, and go to the console."""
    found = context.accounts.bearer(digest(link))
    if found is None or found[1].label != LINK:
        return RedirectResponse("/?link=over", status_code=303)
    user, token = found
    context.accounts.revoke_token(token.id, user.name)
    response = RedirectResponse("/", status_code=303)
    open_session(context, response, user)
    return response


def open_session(context: Context, response: Response, user: User) -> Session:
    """Open a session and give its cookie to a response."""
    secret = new_secret()
    session = Session(user, new_secret(), context.wall() + SESSION_LASTS)
    context.accounts.open_session(digest(secret), session)
    response.set_cookie(
        context.cookie,
        secret,
        max_age=int(SESSION_LASTS.total_seconds()),
        secure=context.listening.secure,
        httponly=True,
        samesite="strict",
    )
    return session


def _known_by(context: Context, request: Request, name: str, password: str, key: str) -> User:
    """Return the user whom a password belongs to.

    Raises
    ------
    ApiProblem
        It is wrong, which is logged, written down and remembered under ``key`` and the address; or too many were.
    """
    address = request.client.host if request.client else ""
    keys = (key, f"address/{address}")
    _let_wait(context, keys)
    known = context.accounts.credentials(name)
    with context.hashing:
        # Again, for a burst has passed the first look before any of it was found wrong.
        _let_wait(context, keys)
        right = password_is(password, None if known is None else known[1])
        if known is not None and right and not known[0].disabled:
            context.patience.was_right(key)
            return known[0]
        wrong = context.patience.was_wrong(*keys)
    LOG.warning("sign-in refused: name %r from %s, %d wrong so far", name, address, wrong)
    context.metrics.refused.inc()
    context.accounts.tell_refusal(name, address)
    raise ApiProblem(ProblemType.WRONG_PASSWORD, "name or password is wrong")


def _let_wait(context: Context, keys: tuple[str, ...]) -> None:
    wait = context.patience.wait_s(*keys)
    if wait > 0.0:
        raise ApiProblem(
            ProblemType.TOO_MANY_TRIES, f"too many wrong passwords, try again in {wait:.0f} s", retry_after_s=wait
        )


def _view(context: Context, user: PersonView | None, session: Session | None) -> SessionView:
    return SessionView(
        user=user,
        csrf=None if session is None else session.csrf,
        expires=None if session is None else session.expires,
        version=VERSION,
        epoch=context.live.epoch,
    )
