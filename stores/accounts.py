"""Accounts: users, the sessions of their browsers and the tokens of their scripts. Secrets are kept as digests only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from models.problem import Missing, Refused
from models.user import Role, Session, Token, User
from stores.records_database import Database
from stores.records_queries import insert_audit, insert_row, row_by_id
from stores.records_schema import SESSIONS, TOKENS, USERS

USED_EVERY = timedelta(minutes=5)
"""How often the last use of a token is written down."""


class Accounts:
    """Who may sign in. Every change stands in the audit trail, in the name of who made it."""

    def __init__(self, database: Database, wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._wall_clock = wall_clock

    # -- users -------------------------------------------------------------------------------------------------

    def users(self) -> tuple[User, ...]:
        """Return every user, by name."""
        with self._database.read() as connection:
            return tuple(_user_of(row) for row in connection.execute(select(USERS).order_by(USERS.c.name)))

    def user(self, name: str) -> User:
        """Return the user of that name; raises ``Missing`` when there is none."""
        with self._database.read() as connection:
            return _user_of(_user_row(connection, name))

    def credentials(self, name: str) -> tuple[User, str] | None:
        """Return a user with the hash of the password; None when there is none of that name."""
        with self._database.read() as connection:
            row = connection.execute(select(USERS).where(USERS.c.name == name)).one_or_none()
            return None if row is None else (_user_of(row), row.password)

    def any_user(self) -> bool:
        """Return whether anybody may sign in."""
        with self._database.read() as connection:
            return bool(connection.scalar(select(func.count()).select_from(USERS).where(~USERS.c.disabled)))

    def add_user(self, user: User, password: str, by: str) -> User:
        """Keep a new user with the hash of a password; refused when there is one of that name."""
        with self._database.write() as connection:
            if connection.execute(select(USERS.c.name).where(USERS.c.name == user.name)).one_or_none() is not None:
                raise Refused.of(f"user {user.name}: there is one of that name")
            connection.execute(
                insert(USERS).values(
                    name=user.name,
                    full_name=user.full_name,
                    role=user.role,
                    password=password,
                    created=user.created,
                    disabled=user.disabled,
                )
            )
            self._audit(connection, by, "add", f"user/{user.name}", {"role": user.role, "full_name": user.full_name})
        return user

    def change_user(
        self,
        name: str,
        by: str,
        full_name: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        """Change what is given of a user; a new password or being disabled ends the user's sessions.

        Raises
        ------
        Refused
            Nobody who may keep users would be left.
        """
        with self._database.write() as connection:
            before = _user_of(_user_row(connection, name, lock=True))
            after = replace(
                before,
                full_name=before.full_name if full_name is None else full_name,
                role=before.role if role is None else role,
                disabled=before.disabled if disabled is None else disabled,
            )
            if _keeps_users(before) and not _keeps_users(after):
                self._refuse_last_keeper(connection, name)
            values = {"full_name": after.full_name, "role": after.role, "disabled": after.disabled}
            stored = {**values, **({} if password is None else {"password": password})}
            connection.execute(update(USERS).where(USERS.c.name == name).values(**stored))
            if password is not None or after.disabled:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.user == name))
            said = {**values, **({} if password is None else {"password": "changed"})}
            self._audit(connection, by, "change", f"user/{name}", said)
        return after

    # -- sessions ----------------------------------------------------------------------------------------------

    def open_session(self, digest: str, session: Session) -> None:
        """Keep a session under the digest of its secret, and drop those that have expired."""
        now = self._wall_clock()
        with self._database.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= now))
            user, expires = session.user.name, session.expires
            connection.execute(
                insert(SESSIONS).values(digest=digest, user=user, csrf=session.csrf, opened=now, expires=expires)
            )
            self._audit(connection, user, "sign_in", f"user/{user}", {})

    def session(self, digest: str) -> Session | None:
        """Return the session of that digest; None when there is none, it has expired or its user is disabled."""
        query = select(SESSIONS.c.csrf, SESSIONS.c.expires, *USERS.c).join(USERS, SESSIONS.c.user == USERS.c.name)
        with self._database.read() as connection:
            row = connection.execute(query.where(SESSIONS.c.digest == digest)).one_or_none()
        if row is None or row.expires <= self._wall_clock() or row.disabled:
            return None
        return Session(_user_of(row), row.csrf, row.expires)

    def close_session(self, digest: str, by: str) -> None:
        """End a session; ending it twice changes nothing."""
        with self._database.write() as connection:
            if connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest)).rowcount:
                self._audit(connection, by, "sign_out", f"user/{by}", {})

    def tell_refusal(self, name: str, address: str) -> None:
        """Write down that somebody at an address did not know the password of a name."""
        with self._database.write() as connection:
            self._audit(connection, "", "sign_in_refused", f"user/{name}", {"address": address})

    # -- tokens ------------------------------------------------------------------------------------------------

    def add_token(self, digest: str, token: Token) -> Token:
        """Keep a token under the digest of its secret and return it with its id."""
        values = {"user": token.user, "label": token.label, "role": token.role, "created": token.created}
        with self._database.write() as connection:
            more = {"expires": token.expires, "last_used": None, "revoked": False, "digest": digest}
            number = insert_row(connection, TOKENS, {**values, **more})
            content = {"label": token.label, "role": token.role}
            self._audit(connection, token.user, "add", f"token/{number}", content)
        return replace(token, id=number)

    def tokens(self, user: str | None = None) -> tuple[Token, ...]:
        """Return the tokens of a user, or of all, in the order they were made."""
        query = select(TOKENS).order_by(TOKENS.c.id)
        if user is not None:
            query = query.where(TOKENS.c.user == user)
        with self._database.read() as connection:
            return tuple(_token_of(row) for row in connection.execute(query))

    def token(self, token_id: int) -> Token:
        """Return the token of that id; raises ``Missing`` when there is none."""
        with self._database.read() as connection:
            return _token_of(row_by_id(connection, TOKENS, token_id, "token"))

    def bearer(self, digest: str) -> tuple[User, Token] | None:
        """Return who a token speaks for; None when it is not known, revoked, expired or its user is disabled."""
        now = self._wall_clock()
        with self._database.read() as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest)).one_or_none()
            if row is None:
                return None
            token, user = _token_of(row), _user_of(_user_row(connection, row.user))
        if token.revoked or user.disabled or (token.expires is not None and token.expires <= now):
            return None
        if token.last_used is None or now - token.last_used >= USED_EVERY:
            with self._database.write() as connection:
                connection.execute(update(TOKENS).where(TOKENS.c.id == token.id).values(last_used=now))
        return user, token

    def revoke_token(self, token_id: int, by: str) -> Token:
        """End a token; ending it twice changes nothing."""
        with self._database.write() as connection:
            token = _token_of(row_by_id(connection, TOKENS, token_id, "token", lock=True))
            if not token.revoked:
                connection.execute(update(TOKENS).where(TOKENS.c.id == token_id).values(revoked=True))
                self._audit(connection, by, "revoke", f"token/{token_id}", {"user": token.user})
        return replace(token, revoked=True)

    def _refuse_last_keeper(self, connection: Connection, name: str) -> None:
        others = select(func.count()).select_from(USERS).where(USERS.c.role == Role.ADMIN, ~USERS.c.disabled)
        if not connection.scalar(others.where(USERS.c.name != name)):
            raise Refused.of(f"user {name}: is the last who may keep users, expected another admin first")

    def _audit(self, connection: Connection, by: str, action: str, subject: str, content: dict[str, Any]) -> None:
        now = self._wall_clock()
        insert_audit(connection, now, now, by, action, subject, content)


def _keeps_users(user: User) -> bool:
    return user.role is Role.ADMIN and not user.disabled


def _user_row(connection: Connection, name: str, lock: bool = False) -> Row[Any]:
    query = select(USERS).where(USERS.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise Missing.of(f"user {name}: there is none of that name")
    return row


def _user_of(row: Row[Any]) -> User:
    return User(row.name, row.full_name, Role(row.role), row.created, row.disabled)


def _token_of(row: Row[Any]) -> Token:
    return Token(row.id, row.user, row.label, Role(row.role), row.created, row.expires, row.last_used, row.revoked)
