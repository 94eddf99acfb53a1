"""A ledger of measurements: one JSON line each, so that a long benchmark runs in pieces and goes on where it stopped.

Every line carries a fingerprint of the code and the site it was measured on; lines of another state of the code are
left where they are and not counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
Row = dict[str, Any]


def fingerprint(folders: Iterable[str]) -> str:
    """Return a short hash of every source and data file in folders of the repository."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".csv", ".inp", ".toml") and "data" not in path.relative_to(ROOT).parts:
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Ledger:
    """The measurements of one benchmark in a file that only grows."""

    def __init__(self, path: Path, code: str) -> None:
        self._path = path
        self._code = code

    def rows(self) -> dict[str, Row]:
        """Return what was measured on this code, by key."""
        if not self._path.exists():
            return {}
        read = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return {row["key"]: row for row in read if row["code"] == self._code}

    def keep(self, key: str, row: Mapping[str, Any]) -> None:
        """Add a measurement, or one made again: the last counts."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "code": self._code, **row}, ensure_ascii=False) + "\n")
