"""A service in a process of its own, and a client of it that signs in as a script does."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api.access import TOKEN_PREFIX
from api.passwords import digest, hash_password, new_secret
from models.site_file import load_site
from models.user import Role, Token, User
from stores.accounts import Accounts
from stores.records import Records


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: where it is, its process and a token that may do everything."""

    host: str
    port: int
    pid: int
    token: str

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that stays open."""
        return http.client.HTTPConnection(self.host, self.port, timeout=120)

    def ask(self, connection: http.client.HTTPConnection, method: str, path: str, body: object = None) -> Any:
        """Return the JSON that a request is answered with."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content) if content else None

    def cpu_s(self) -> float:
        """Return the processor time that the service has used [s]."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Return the memory that the service holds [MB]."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Start the service of a site without collectors and monitor; end it after."""
    token = _token(folder)
    command = [sys.executable, "-m", "cli.main", "serve", str(folder), "--no-collect", "--no-monitor", "--port", "0"]
    with (folder / "service.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        address = urlsplit(ready["url"])
        yield Service(str(address.hostname), int(address.port or 0), process.pid, token)
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def _token(folder: Path) -> str:
    secret, now = TOKEN_PREFIX + new_secret(), datetime.now(UTC)
    with Records(load_site(folder).stores.records_url) as records:
        accounts = Accounts(records.database)
        accounts.add_user(User("bench", "Bench", Role.ADMIN, now), hash_password(new_secret()), "bench")
        accounts.add_token(digest(secret), Token(0, "bench", "benchmark", Role.ADMIN, now))
    return secret
