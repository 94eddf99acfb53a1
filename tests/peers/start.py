"""Starts servers that nobody here wrote, on loopback, and ends them by the process that was started."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from simulator.port import free_port

HERE = Path(__file__).parent
PATIENCE_S = 60.0


class Missing(Exception):
    """A peer is not built on this machine; the message says how to get it."""


class Peer:
    """A server in a process of its own, which takes orders by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, args=(process.stdout,), daemon=True).start()

    def order(self, line: str) -> None:
        """Send an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self, patience_s: float = PATIENCE_S) -> str:
        """Return the next line that it says."""
        try:
            said = self._said.get(timeout=patience_s)
        except queue.Empty:
            raise AssertionError("the peer says nothing") from None
        assert said, "the peer has ended"
        return said.rstrip("\n")

    def _listen(self, output: IO[str] | None) -> None:
        assert output is not None
        for line in output:
            self._said.put(line)
        self._said.put("")


def folder_of(peer: str) -> Path:
    """Return where a peer is built; in CI it is built now, elsewhere :class:`Missing` says how."""
    build = os.environ.get("CI") == "true"
    command = [str(HERE / "provide"), *([] if build else ["--find"]), peer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"{peer} is not built here: run tests/peers/provide {peer} {done.stderr}")
    return Path(done.stdout.strip())


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str] | None = None, ready: str = "ready") -> Iterator[Peer]:
    """Run a server until the block ends; it has said that it is ready, if it says so at all."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    ) as process:
        peer = Peer(process)
        try:
            while ready and peer.line() != ready:
                pass
            yield peer
        finally:
            process.kill()


@contextmanager
def node_opcua(folder: Path, **settings: Any) -> Iterator[tuple[str, Peer]]:
    """Run node-opcua; its keys lie in ``folder``. Yields its URL."""
    port = free_port()
    said = json.dumps({"port": port, "folder": str(folder), **settings})
    with running(["node", str(folder_of("node") / "opcua_server.js"), said]) as peer:
        yield f"opc.tcp://127.0.0.1:{port}", peer


@contextmanager
def node_modbus(kind: str, place: str = "") -> Iterator[int]:
    """Run jsmodbus or modbus-serial on a port (yielded), or modbus-serial on a serial port."""
    port = free_port()
    with running(["node", str(folder_of("node") / "modbus_server.js"), kind, place or str(port)]):
        yield port


@contextmanager
def milo(nodes: int) -> Iterator[tuple[str, Peer]]:
    """Run Eclipse Milo with so many nodes."""
    port, built = free_port(), folder_of("milo") / "target"
    classes = f"{built}/milo-load-1.jar:{built}/lib/*"
    with running(["java", "-Xmx1g", "-cp", classes, "MiloLoad", str(port), str(nodes)]) as peer:
        yield f"opc.tcp://127.0.0.1:{port}", peer


@contextmanager
def libmodbus(kind: str, place: str = "") -> Iterator[int]:
    """Run libmodbus' unit test server, over ``tcp`` (one connection, then it ends) or ``rtu`` on a serial port."""
    port = free_port()
    command = [str(folder_of("libmodbus") / "unit-test-server"), kind]
    with running(command, {"PORT": str(port), "SERIAL": place}, ready=""):
        yield port


@contextmanager
def serial_pair(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Join two serial ports to a line, as long as the block runs."""
    near, far = folder / "near", folder / "far"
    command = ["socat", "-d", "-d", f"pty,raw,echo=0,link={near}", f"pty,raw,echo=0,link={far}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as socat:
        try:
            assert socat.stderr is not None
            while "starting data transfer" not in socat.stderr.readline():
                assert socat.poll() is None
            yield near, far
        finally:
            socat.kill()
