"""How much script a browser fetches before it shows something, compressed: a budget, not a speed."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from api.console import BUILT, lacking

BEFORE_MAP_KB, WITH_MAP_KB = 150, 400


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    assert lacking() is None, "make web"
    told: dict[str, Any] = json.loads((BUILT / "parts.json").read_text(encoding="utf-8"))
    return told


def fetched(parts: dict[str, Any], *first: str) -> set[str]:
    """Return the files of parts and of everything that they import at once."""
    found: set[str] = set()
    todo = list(first)
    while todo:
        part = parts[todo.pop()]
        if part["file"] not in found:
            found.add(part["file"])
            todo += part.get("imports", [])
    return found


def kilobytes(files: set[str]) -> float:
    return sum(len(gzip.compress((BUILT / one).read_bytes())) for one in files) / 1e3


def test_script_before_the_map_is_small(parts: dict[str, Any]) -> None:
    assert kilobytes(fetched(parts, "index.html")) <= BEFORE_MAP_KB


def test_script_with_the_map_is_small(parts: dict[str, Any]) -> None:
    monitor = fetched(parts, "index.html", "src/monitor/Monitor.svelte", "src/map/deck.ts")
    assert any("deck" in one for one in monitor)
    assert kilobytes(monitor) <= WITH_MAP_KB
