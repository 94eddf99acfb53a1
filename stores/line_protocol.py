"""Samples as InfluxDB line protocol, written by hand: a hundred thousand lines a second and more."""

from __future__ import annotations

import math
from collections.abc import Iterable

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
_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_TEXT = str.maketrans({'"': r"\"", "\\": r"\\"})


def lines_of(columns: Columns) -> list[str]:
    """Return a line a sample, times in microseconds.

    The number of a good sample is the field ``value``, any other is ``doubtful``. Numbers are floats always: once a
    field has been written without a decimal point, every later float is refused. A number that is none is left out.
    """
    heads = [f"{MEASUREMENT},point={name.translate(_TAG)} " for name in columns.points]
    reasons = [f',reason="{quoted(reason)}"' for reason in columns.reasons]
    rows = zip(
        columns.point.tolist(), columns.time.tolist(), columns.value.tolist(), columns.quality.tolist(),
        columns.reason.tolist(), strict=True,
    )  # fmt: skip
    return [
        f"{heads[point]}value={value!r},quality=192i {time}"
        if quality == _GOOD and value == value
        else f"{heads[point]}{_doubtful(value, quality)}{reasons[reason]} {time}"
        for point, time, value, quality, reason in rows
    ]


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


def _doubtful(value: float, quality: int) -> str:
    number = _NUMBERS[quality]
    if math.isfinite(value):
        return f"doubtful={value!r},quality={number}i"
    return f"quality={VOID if quality == CODES[Quality.BAD] else number}i"
