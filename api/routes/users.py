"""Users, tokens and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from api.access import TOKEN_PREFIX, Admin, Engineer, Serving, Viewer
from api.once import DoneOnce
from api.paging import Cursor, Limit, cut, number_of
from api.passwords import digest, hash_password, new_secret
from api.problems import ApiProblem, ProblemType, responses
from api.routes.router import router
from api.schemas.health import AuditView
from api.schemas.session import MadeToken, NewToken, NewUser, TokenView, UserChange, UserView
from api.schemas.view import Page, Row
from models.user import Role, Token, User

ROUTER = router("users")
UserName = Annotated[str, Path(max_length=64)]
Made = {201: {"model": UserView}}


@ROUTER.get("/users")
def list_users(_person: Admin, context: Serving) -> list[UserView]:
    """Every account, by name."""
    return [UserView.model_validate(user) for user in context.accounts.users()]


@ROUTER.post("/users", status_code=201, response_model=UserView, responses=responses(ProblemType.KEY_REUSED))
def add_user(person: Admin, context: Serving, once: DoneOnce, asked: NewUser) -> Response:
    """Make an account."""
    with context.hashing:
        hashed = hash_password(asked.password)

    def work() -> UserView:
        user = User(asked.name, asked.full_name, asked.role, context.wall())
        return UserView.model_validate(context.accounts.add_user(user, hashed, person.name))

    return once(person, asked, 201, work)


@ROUTER.patch("/users/{name}", responses=responses(ProblemType.MISSING))
def change_user(person: Admin, context: Serving, name: UserName, asked: UserChange) -> UserView:
    """Change an account; a new password or ``disabled`` ends its sessions."""
    hashed = None
    if asked.password is not None:
        with context.hashing:
            hashed = hash_password(asked.password)
    user = context.accounts.change_user(
        name, person.name, full_name=asked.full_name, role=asked.role, disabled=asked.disabled, password=hashed
    )
    return UserView.model_validate(user)


@ROUTER.get("/tokens")
def list_tokens(person: Viewer, context: Serving) -> list[TokenView]:
    """One's own tokens; an admin sees everybody's."""
    owner = None if person.role.may(Role.ADMIN) else person.name
    return [TokenView.model_validate(token) for token in context.accounts.tokens(owner)]


@ROUTER.post("/tokens", status_code=201)
def add_token(person: Viewer, context: Serving, asked: NewToken) -> MadeToken:
    """Make a token for oneself. Its secret is in this answer and nowhere else, so it is never made twice by a key."""
    if person.session is None:
        # Or one that runs out, or has leaked, would live on in those that it makes.
        raise ApiProblem(ProblemType.FORBIDDEN, "a token makes no tokens, expected a person who has signed in")
    if not person.role.may(asked.role):
        raise ApiProblem(
            ProblemType.FORBIDDEN, f"{person.name} is {person.role}, a token of that person cannot be {asked.role}"
        )
    secret = TOKEN_PREFIX + new_secret()
    token = Token(0, person.name, asked.label, asked.role, context.wall(), asked.expires)
    kept = context.accounts.add_token(digest(secret), token)
    return MadeToken(**TokenView.model_validate(kept).model_dump(), secret=secret)


@ROUTER.delete("/tokens/{token_id}", status_code=204, responses=responses(ProblemType.MISSING))
def revoke_token(person: Viewer, context: Serving, token_id: Row) -> None:
    """End a token of one's own; an admin may end anybody's."""
    token = context.accounts.token(token_id)
    if token.user != person.name and not person.role.may(Role.ADMIN):
        raise ApiProblem(ProblemType.MISSING, f"token {token_id}: there is none of that id")
    context.accounts.revoke_token(token_id, person.name)


@ROUTER.get("/audit")
def list_audit(
    _person: Engineer,
    context: Serving,
    subject: Annotated[str, Query(max_length=500)] = "",
    by: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AuditView]:
    """The audit trail, the newest first; it only grows."""
    found = context.pages.audit(subject, by, number_of(cursor), limit + 1)
    page, following = cut(found, limit, lambda entry: (entry.number,))
    return Page(items=[AuditView.model_validate(entry) for entry in page], next=following)
