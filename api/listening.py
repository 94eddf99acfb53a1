"""Where the service may listen: on loopback as it is, beyond it with users, and with TLS or a declared proxy."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from api.context import Listening
from models.problem import BadInput, Problem, Unavailable

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen, and how requests come: by TLS of our own, or through proxies at known addresses.

    ``names`` are those under which browsers reach the service, where they are not the host's.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether nobody on another machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.certificate is not None or bool(self.proxies)

    def url(self, port: int) -> str:
        """Return where a browser on this machine finds it."""
        name = self.host if ":" not in self.host else f"[{self.host}]"
        return f"{'https' if self.certificate else 'http'}://{'127.0.0.1' if name == '0.0.0.0' else name}:{port}"


def listening_of(door: Door, any_user: bool) -> Listening:
    """Return how the service is reached.

    Raises
    ------
    BadInput
        It must not listen there: every reason at once.
    """
    problems = [*_file_problems(door), *_proxy_problems(door.proxies)]
    if not door.is_loopback:
        where = f"listening on {door.host}, which other machines reach"
        if not any_user:
            problems.append(Problem(f"{where}: there are no users; add one with hydro user SITE add NAME --role admin"))
        if not door.secure:
            problems.append(
                Problem(
                    f"{where}: passwords would travel in the clear; give --certificate and --key, or declare the"
                    " reverse proxy that adds TLS with --behind-proxy ADDRESS"
                )
            )
    if problems:
        raise BadInput(problems)
    names = frozenset(name.lower() for name in door.names)
    if door.is_loopback and not door.proxies:
        return Listening(LOOPBACK_NAMES | names, door.secure)
    return Listening(LOOPBACK_NAMES | names if names else frozenset(), door.secure)


def open_socket(door: Door) -> socket.socket:
    """Return a listening socket; port 0 takes any that is free.

    Raises
    ------
    Unavailable
        The address is not ours or the port is taken.
    """
    family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
    # Named TCP, or asyncio leaves Nagle's algorithm on and every answer waits 40 ms for an acknowledgement.
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((door.host, door.port))
        one.listen(512)
    except OSError as error:
        one.close()
        raise Unavailable(f"{door.host}:{door.port}: cannot listen there: {error.strerror or error}") from error
    return one


def _file_problems(door: Door) -> list[Problem]:
    if (door.certificate is None) != (door.key is None):
        return [Problem("one of --certificate and --key is given, expected both")]
    files = [file for file in (door.certificate, door.key) if file is not None]
    return [Problem("is not there, expected a PEM file", str(file)) for file in files if not file.is_file()]


def _proxy_problems(proxies: Collection[str]) -> list[Problem]:
    problems = []
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError:
            problems.append(Problem(f"--behind-proxy {proxy}: expected an address such as 10.0.0.5 or 10.0.0.0/24"))
    return problems
