"""Tables for spreadsheets. A cell that a spreadsheet would take for a formula is made text: names come from people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from starlette.responses import Response

Cell = str | float | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Return a table as a file to be kept, in UTF-8 with a mark that spreadsheets know it by."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([plain(one) for one in header])
    writer.writerows([plain(one) for one in row] for row in rows)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def plain(cell: Cell) -> str | float:
    """Return a cell that no spreadsheet runs: text that begins as a formula gets an apostrophe, numbers stay."""
    if cell is None:
        return ""
    if isinstance(cell, str) and cell.lstrip(" \n").startswith(_FORMULA):
        return "'" + cell
    return cell
