"""Samples as InfluxDB line protocol, a column at a time and not a line: the server has few cores, and needs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from models.sample import Quality
from stores.columns import CODES, Columns
from stores.instant import microseconds
from stores.telemetry import Mean

MEASUREMENT = "samples"
QUALITY_FIELD = {Quality.GOOD: 192, Quality.UNCERTAIN: 64, Quality.BAD: 0}
"""The numbers that OPC has given to qualities."""
VOID = -1
"""The quality of a bad sample without a number; a field that is not written would keep an older number."""
_GOOD = CODES[Quality.GOOD]
_NUMBERS = {CODES[quality]: number for quality, number in QUALITY_FIELD.items()}
_FIELDS = ("value=", "doubtful=", "")
_VALUE, _DOUBTFUL, _NONE = range(3)
_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_TEXT = str.maketrans({'"': r"\"", "\\": r"\\"})


def lines_of(columns: Columns) -> bytes:
    """Return a line a sample, times in microseconds; five million a second.

    The number of a good sample is the field ``value``, any other is ``doubtful``; one that is none is left out. Numbers
    never end in the ``i`` of a whole one: once a field has been written so, every later float is refused.
    """
    kind = np.where(np.isnan(columns.value), _NONE, np.where(columns.quality == _GOOD, _VALUE, _DOUBTFUL))
    # What stands behind the number hangs on quality, reason and whether there is a number: few lines differ in it.
    case = (columns.quality * len(_FIELDS) + kind) * len(columns.reasons) + columns.reason
    cases, place = np.unique(case, return_inverse=True)
    numbers = compute.cast(pa.array(columns.value), pa.string())
    lines = compute.binary_join_element_wise(
        _looked_up([f"{MEASUREMENT},point={name.translate(_TAG)} " for name in columns.points], columns.point),
        _looked_up(_FIELDS, kind),
        compute.if_else(pa.array(kind == _NONE), "", numbers),
        _looked_up([_behind(number, columns.reasons) for number in cases.tolist()], place),
        compute.cast(pa.array(columns.time), pa.string()),
        "\n",
        "",
    )
    _, ends, content = lines.buffers()
    size = int(np.frombuffer(ends, np.int32, len(lines) + 1)[-1])
    body: bytes = content.slice(0, size).to_pybytes()
    return body


def means_lines(means: Iterable[Mean]) -> list[str]:
    """Return a line a mean, times in microseconds; the fields are those of the task that makes means."""
    return [
        f"{MEASUREMENT},point={mean.point.translate(_TAG)} mean={mean.value!r},low={mean.low!r},high={mean.high!r},"
        f"count={float(mean.count)!r} {microseconds(mean.time)}"
        for mean in means
    ]


def quoted(text: str) -> str:
    """Return a text as it stands between the quotes of a string in line protocol or in Flux."""
    return text.translate(_TEXT)


def _behind(case: int, reasons: Sequence[str]) -> str:
    """Return what stands between the number, or the want of one, and the time."""
    case, reason = divmod(case, len(reasons))
    quality, kind = divmod(case, len(_FIELDS))
    void = kind == _NONE and quality == CODES[Quality.BAD]
    said = f"quality={VOID if void else _NUMBERS[quality]}i"
    why = "" if kind == _VALUE else f',reason="{quoted(reasons[reason])}"'
    return f"{'' if kind == _NONE else ','}{said}{why} "


def _looked_up(words: Sequence[str], place: NDArray[np.integer]) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(place))
