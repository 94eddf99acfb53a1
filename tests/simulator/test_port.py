"""A port to listen at is one that nothing else takes."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from models.problem import Unavailable
from simulator.port import LISTENED, free_port

EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.mark.skipif(not EPHEMERAL.exists(), reason="only Linux says which ports it hands out")
def test_system_hands_none_of_them_to_a_connection() -> None:
    lowest = int(EPHEMERAL.read_text(encoding="ascii").split()[0])
    assert max(LISTENED) < lowest


def test_taken_port_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setattr("simulator.port.LISTENED", range(port, port + 1))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(Unavailable, match=f"from {port} to {port} of 127.0.0.1 are in use"):
            free_port()
