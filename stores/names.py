"""Names that stand as numbers in a file; another process may give some, and the file decides."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


class Names:
    """The names in one table of a file and their numbers."""

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._table = table
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def __len__(self) -> int:
        """Return how many names are known here."""
        return len(self._ids)

    def find(self, name: str) -> int | None:
        """Return the number of a name, None if it has none."""
        if name not in self._ids:
            row = self._connection.execute(f"SELECT id FROM {self._table} WHERE name = ?", (name,)).fetchone()
            if row is None:
                return None
            self._learn(row[0], name)
        return self._ids[name]

    def known(self, names: Iterable[str]) -> dict[int, str]:
        """Return the names that have a number, by it, in their order."""
        ids = self._ids
        return {number: name for name in names if (number := ids.get(name) or self.find(name)) is not None}

    def id_of(self, name: str) -> int:
        """Return the number of a name, giving it one if it has none; inside a transaction."""
        number = self.find(name)
        if number is None:
            query = f"INSERT INTO {self._table} (name) VALUES (?) RETURNING id"
            number = int(self._connection.execute(query, (name,)).fetchone()[0])
            self._learn(number, name)
        return number

    def name_of(self, number: int) -> str:
        """Return the name of a number that was given."""
        if number not in self._names:
            row = self._connection.execute(f"SELECT name FROM {self._table} WHERE id = ?", (number,)).fetchone()
            self._learn(number, row[0])
        return self._names[number]

    def forget(self) -> None:
        """Know nothing any more: a transaction did not come to be."""
        self._ids.clear()
        self._names.clear()

    def _learn(self, number: int, name: str) -> None:
        self._ids[name] = number
        self._names[number] = name
