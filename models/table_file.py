"""A table in a CSV file: rows with their line numbers, whatever program wrote it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from models.fields import Fields, expected
from models.problem import Problem


def read_table(
    path: Path, required: Collection[str], optional: Collection[str], problems: list[Problem]
) -> Iterator[tuple[dict[str, str], int]]:
    """Yield each row's values and line; columns that are missing or unknown are noted once."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem("is not UTF-8 text, expected a CSV file saved as UTF-8", str(path)))
        return
    except OSError as error:
        problems.append(Problem(f"cannot be read: {error.strerror}", str(path)))
        return
    reader = csv.reader(text.splitlines())
    header = [name.strip() for name in next(reader, [])]
    if not header:
        problems.append(Problem("is empty, expected a header line", str(path)))
        return
    for name in required:
        if name not in header:
            problems.append(Problem(f"column {name} is missing", str(path), 1))
    for name in header:
        if name and name not in required and name not in optional:
            problems.append(
                Problem(
                    f'column "{name}" is not known, expected {expected(name, {*required, *optional})}', str(path), 1
                )
            )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    problems.extend(Problem(f'column "{name}" stands twice, expected once', str(path), 1) for name in twice)
    if twice or any(name not in header for name in required):
        return
    least = max((header.index(name) for name in required), default=0) + 1
    for cells, line in _rows(reader, path, problems):
        if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
            continue
        if not least <= len(cells) <= len(header):
            problems.append(Problem(f"has {len(cells)} values, expected {len(header)}", str(path), line))
            continue
        yield dict(zip(header, cells, strict=False)), line


def _rows(reader: Any, path: Path, problems: list[Problem]) -> Iterator[tuple[list[str], int]]:
    """Yield the cells of each row and its line, as far as it is CSV."""
    try:
        for cells in reader:
            yield cells, reader.line_num
    except csv.Error as error:
        problems.append(
            Problem(f"is no CSV from here on, perhaps a quote is not closed ({error})", str(path), reader.line_num)
        )


def fields_of(values: dict[str, str], line: int, path: Path, subject: str, problems: list[Problem]) -> Fields:
    """Return the fields of a row."""
    return Fields(values, str(path), line, subject, problems)
