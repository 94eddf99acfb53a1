"""Sessions, users and tokens."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.view import Asked, Moment, Name, View
from models.user import LONGEST_PASSWORD, SHORTEST_PASSWORD, Role


class PersonView(View):
    """Who asks: ``name`` signs in, ``full_name`` stands on what the person does."""

    name: str = Field(examples=["li"])
    full_name: str = Field(examples=["Li Wei"])
    role: Role


class SessionView(View):
    """Who has signed in, and what a change must carry in ``X-CSRF-Token``."""

    user: PersonView | None
    csrf: str | None
    expires: datetime | None
    version: str = Field(examples=["0.1.0"])
    epoch: str = Field(description="Changes with every start of the service; the stream says it too.")


class SignIn(Asked):
    """A name and a password."""

    name: str = Field(max_length=64, examples=["li"])
    password: str = Field(max_length=LONGEST_PASSWORD, examples=["correct horse"])


class UserView(View):
    """An account."""

    name: str
    full_name: str
    role: Role
    created: datetime
    disabled: bool


class NewUser(Asked):
    """An account to be made."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.@-]{1,64}$", examples=["li"])
    full_name: Name = Field(examples=["Li Wei"])
    role: Role
    password: str = Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD, examples=["correct horse"])


class UserChange(Asked):
    """What is to be changed of an account; what is left out stays. A new password or ``disabled`` ends its sessions."""

    full_name: Name | None = None
    role: Role | None = None
    disabled: bool | None = None
    password: str | None = Field(default=None, min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)


class PasswordChange(Asked):
    """One's own password."""

    present: str = Field(max_length=LONGEST_PASSWORD)
    wanted: str = Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)


class TokenView(View):
    """What a script proves itself with, without its secret."""

    id: int
    user: str
    label: str
    role: Role
    created: datetime
    expires: datetime | None
    last_used: datetime | None
    revoked: bool


class NewToken(Asked):
    """A token to be made for oneself; its role is at most one's own."""

    label: Name = Field(examples=["nightly export"])
    role: Role
    expires: Moment | None = None


class MadeToken(TokenView):
    """A token that was made, with its secret, which is shown this once."""

    secret: str
