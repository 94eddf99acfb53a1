"""A person who may sign in, what the person may do, and what proves who asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.problem import Problem


class Role(StrEnum):
    """What a person may do; each role may do all that the one before it may."""

    VIEWER = "viewer"
    """Sees everything but users and the audit trail."""
    OPERATOR = "operator"
    """Acknowledges and shelves alarms, takes complaints, tries what-ifs, dispatches and closes orders."""
    ENGINEER = "engineer"
    """Keeps scenarios, runs diagnoses, takes points and alarms out of service, reads the audit trail."""
    ADMIN = "admin"
    """Keeps users."""

    def may(self, needed: Role) -> bool:
        """Return whether this role includes ``needed``."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256
_NAME = re.compile(r"[\w.@-]{1,64}")


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account. ``name`` is what one signs in with, ``full_name`` what stands on orders."""

    name: str
    full_name: str
    role: Role
    created: datetime
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A person who has signed in in a browser, until when, and what the browser must repeat to change anything."""

    user: User
    csrf: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """What a script proves itself with; the secret itself is shown once and kept nowhere."""

    id: int
    user: str
    label: str
    role: Role
    created: datetime
    expires: datetime | None = None
    last_used: datetime | None = None
    revoked: bool = False


def account_problems(name: str, password: str | None) -> list[Problem]:
    """Return what is wrong with a name to sign in with and a password; one that is not given is not looked at."""
    problems = []
    if not _NAME.fullmatch(name):
        problems.append(Problem(f"user {name!r}: expected 1 to 64 letters, digits or . _ @ -"))
    if password is not None and not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        expected = f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        problems.append(Problem(f"user {name}: password of {len(password)} characters, expected {expected}"))
    return problems
