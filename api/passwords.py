"""Passwords and other secrets: hashed when a person chose them, digested when a machine did."""

from __future__ import annotations

import hashlib
import secrets

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_HASHER = PasswordHash((Argon2Hasher(),))
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
"""What a name that nobody has is held against, so that it takes as long as one that somebody has."""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with its salt and cost inside."""
    return _HASHER.hash(password)


def password_is(password: str, hashed: str | None) -> bool:
    """Return whether a password belongs to a hash; without one it takes as long and is false."""
    return _HASHER.verify(password, hashed or _NOBODY) and hashed is not None


def new_secret() -> str:
    """Return a secret that cannot be guessed: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what is kept of a secret. It is random throughout, so a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).hexdigest()
