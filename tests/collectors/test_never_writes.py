"""Reading is all that a collector may do: nothing in the room calls what writes to a device."""

from __future__ import annotations

import ast
from pathlib import Path

ROOM = Path(__file__).parents[2] / "collectors"
STORES = {"store.write", "self._store.write"}
"""Writing to our own store is what the forwarder is for."""


def calls(path: Path) -> list[str]:
    """Return every attribute that is named in a module, with what it is taken from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def test_no_write_function_is_named() -> None:
    modules = sorted(ROOM.rglob("*.py"))
    assert len(modules) > 8
    found = [
        f"{path.name}: {name}"
        for path in modules
        for name in calls(path)
        if name.rsplit(".", 1)[-1].startswith(("write", "set_value", "set_attribute", "mask_write", "call_method"))
        and name not in STORES
    ]
    assert found == []
