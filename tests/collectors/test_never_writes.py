"""Reading is all that a collector may do: nothing in the room calls what writes to a device, or can build a request."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from collectors.modbus.frame import FUNCTIONS, Request, RtuFraming, TcpFraming

ROOM = Path(__file__).parents[2] / "collectors"
FORBIDDEN = (
    "write", "set_value", "set_attribute", "mask_write", "call_method", "add_nodes", "add_references",
    "delete_nodes", "delete_references", "history_update", "set_monitoring", "register_nodes", "send_request",
)  # fmt: skip
KNOWN = {
    "forwarder.py": {"self._store.write"},
    "dropped_files.py": {"note.write_text"},
    "metrics.py": {"self.wfile.write"},
    "wire.py": {"transport.write"},
    "serial_port.py": {"os.write"},
}
"""Our own store, the answer to whoever scrapes, the note beside a file that was refused; and the one place each where
a request, which only :mod:`collectors.modbus.frame` builds, is sent."""


def forbidden(name: str) -> bool:
    return name == "call" or name.startswith(FORBIDDEN)


def named(path: Path) -> set[str]:
    """Return every attribute that is named in a module, with what it is taken from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [*(alias.name for alias in node.names), getattr(node, "module", None) or ""]
    }


def test_no_function_that_writes_to_a_device_is_named() -> None:
    modules = sorted(ROOM.rglob("*.py"))
    assert len(modules) > 20
    found = {
        f"{path.name}: {name}"
        for path in modules
        for name in named(path)
        if forbidden(name.rsplit(".", 1)[-1]) and name not in KNOWN.get(path.name, set())
    }
    assert found == set()


def test_no_library_that_can_write_modbus_is_imported() -> None:
    assert {path.name for path in ROOM.rglob("*.py") if any("pymodbus" in name for name in imported(path))} == set()


@given(st.integers(0, 247), st.sampled_from(sorted(FUNCTIONS)), st.integers(0, 0xFFFF), st.integers(1, 2000))
def test_request_that_can_be_built_reads(unit: int, table: str, start: int, count: int) -> None:
    request = Request(unit, table, start, count)
    assert TcpFraming().wrap(request, 1)[7] in (1, 2, 3, 4)
    assert RtuFraming().wrap(request, 1)[1] in (1, 2, 3, 4)
