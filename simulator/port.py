"""A port that a process may be told to listen at."""

from __future__ import annotations

import random
import socket

from models.problem import Unavailable

LISTENED = range(15_000, 32_000)
"""Ports out of which one is taken: systems hand out higher ones to connections that go out, at any moment (Linux from
32768, others from 49152), and one of those is taken now and then before whoever was told of it listens."""


def free_port() -> int:
    """Return a port of this machine that nobody listens at now, and that no connection takes by itself."""
    ports = random.SystemRandom().sample(LISTENED, len(LISTENED))
    for port in ports:
        if _is_free(port):
            return port
    raise Unavailable(f"all ports from {min(LISTENED)} to {max(LISTENED)} of 127.0.0.1 are in use")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
