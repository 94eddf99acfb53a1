"""Samples in files that other programs read and write: CSV and Parquet, a part of the file at a time.

Columns: ``time`` (with an offset), ``point``, ``value`` (in the point's unit, empty where there is none), and, where
the file has them, ``quality`` (``good``, ``uncertain``, ``bad``) and ``reason``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.point import Point
from models.problem import BadInput, Unavailable
from models.readings_file import EARLIEST, LATEST, read_history
from models.sample import Quality, Sample
from stores.columns import CODES, QUALITIES, Columns
from stores.instant import microseconds
from stores.telemetry import TelemetryStore

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".parquet")
NEEDED, OPTIONAL = ("time", "point", "value"), ("quality", "reason")
PART_BYTES = 32 * 2**20
"""What is read of a CSV file at once: about half a million samples."""
PART_ROWS = 1_000_000
NO_NUMBER = "not a number"
"""Why a sample without a value is bad, where the file does not say more."""
SPAN = timedelta(days=1)
POINTS = 100
"""Points and days that are read from a store at once."""


def import_file(path: Path, store: TelemetryStore, points: Sequence[Point]) -> Iterator[int]:
    """Write the samples of a file into a store; yield after each part how many there were.

    Raises
    ------
    BadInput
        Something is wrong with the file, or it has samples of points that are not among ``points``; the parts before
        are in the store, and importing again overwrites them.
    """
    known = {point.name for point in points}
    for columns in read_file(path, points):
        strange = [name for place in np.unique(columns.point) if (name := columns.points[place]) not in known]
        if strange:
            raise BadInput.of(f"{len(strange)} points are not in points.csv: {', '.join(strange[:20])}", str(path))
        store.write(columns)
        yield len(columns)


def read_file(path: Path, points: Sequence[Point]) -> Iterator[Columns]:
    """Yield the samples of a CSV or Parquet file, a part at a time; raises :class:`BadInput`."""
    import pyarrow as pa

    _check_suffix(path)
    try:
        for batch in _batches(path):
            if batch.num_rows:
                yield _columns(batch, path)
    except FileNotFoundError:
        raise BadInput.of("is not there, expected a CSV or Parquet file", str(path)) from None
    except OSError as error:
        raise BadInput.of(f"cannot be read: {error}", str(path)) from error
    except pa.ArrowException as error:
        if path.suffix.lower() == ".csv":
            # Slow and careful: takes words such as "open", and names every line that is wrong.
            yield Columns.of(_judged(sample) for sample in read_history(path, points))
            return
        raise BadInput.of(f"is no Parquet file of samples: {error}", str(path)) from error


def export_file(
    path: Path, store: TelemetryStore, points: Sequence[str], start: datetime, end: datetime
) -> Iterator[int]:
    """Write the samples with ``start <= time < end`` into a file; yield after each part how many there were.

    The file is there when it is whole.

    Raises
    ------
    BadInput
        The file's name ends in neither ``.csv`` nor ``.parquet``.
    Unavailable
        The file cannot be written.
    """
    _check_suffix(path)
    part = path.with_name(path.name + ".part")
    try:
        with _writer(path.suffix.lower(), part) as writer:
            for columns in stored(store, points, start, end):
                writer.write_table(_table(columns, path.suffix.lower()))
                yield len(columns)
        part.replace(path)
    except OSError as error:
        raise Unavailable(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def stored(store: TelemetryStore, points: Sequence[str], start: datetime, end: datetime) -> Iterator[Columns]:
    """Yield what a store holds, some points and a day at a time, in order of time within each."""
    begin = start
    while begin < end:
        stop = min(begin + SPAN, end)
        for first in range(0, len(points), POINTS):
            columns = store.columns(points[first : first + POINTS], begin, stop)
            if len(columns):
                yield columns
        begin = stop


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput.of(f'ends in "{path.suffix}", expected one of {", ".join(SUFFIXES)}', str(path))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv, parquet

    if path.suffix.lower() == ".parquet":
        with parquet.ParquetFile(path) as file:
            names = [name for name in (*NEEDED, *OPTIONAL) if name in file.schema_arrow.names]
            _check_names(names, path)
            yield from file.iter_batches(PART_ROWS, columns=names)
        return
    word = pa.dictionary(pa.int32(), pa.string())
    types = {"time": pa.timestamp("us", "UTC"), "point": word, "value": pa.float64(), "quality": word, "reason": word}
    converting = csv.ConvertOptions(column_types=types, null_values=["", "nan", "NaN"], strings_can_be_null=False)
    with csv.open_csv(path, csv.ReadOptions(block_size=PART_BYTES), convert_options=converting) as reader:
        _check_names(reader.schema.names, path)
        yield from reader


def _check_names(names: Sequence[str], path: Path) -> None:
    for name in NEEDED:
        if names.count(name) != 1:
            raise BadInput.of(f"column {name} {'stands twice' if name in names else 'is missing'}", str(path), 1)
    for name in names:
        if name not in (*NEEDED, *OPTIONAL) or names.count(name) > 1:
            expected = ", ".join((*NEEDED, *OPTIONAL))
            raise BadInput.of(f'column "{name}" is not known, expected each once of {expected}', str(path), 1)


def _columns(batch: pa.RecordBatch, path: Path) -> Columns:
    import pyarrow as pa

    names, time = batch.schema.names, batch["time"]
    if not pa.types.is_timestamp(time.type) or time.type.tz is None:
        raise BadInput.of(f"column time is {time.type}, expected a timestamp with a time zone", str(path))
    if time.null_count or batch["point"].null_count:
        raise BadInput.of("has samples without time or point", str(path))
    points, point = _words(batch["point"])
    words, quality = _words(batch["quality"]) if "quality" in names else ([""], np.zeros(len(time), np.int64))
    reasons, reason = _words(batch["reason"]) if "reason" in names else ([""], np.zeros(len(time), np.int64))
    codes = np.array([_quality(word, path) for word in words], np.uint8)[quality]
    # What is finer than a microsecond is cut off.
    times = time.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).to_numpy(zero_copy_only=False)
    wrong = (times < microseconds(EARLIEST)) | (times >= microseconds(LATEST))
    if wrong.any():
        first = points[point[np.flatnonzero(wrong)[0]]]
        text = (
            f"{wrong.sum()} times are not from {EARLIEST:%Y} on and before {LATEST:%Y}; the first is of point {first}"
        )
        raise BadInput.of(text, str(path))
    value = _finite(batch["value"].cast(pa.float64()).to_numpy(zero_copy_only=False))
    void = np.isnan(value) & (codes == CODES[Quality.GOOD])
    if void.any():
        codes[void] = CODES[Quality.BAD]
        reasons, reason = [*reasons, NO_NUMBER], np.where(void, len(reasons), reason)
    return Columns(tuple(points), tuple(reasons), point, times, value, codes, reason)


def _words(array: Any) -> tuple[list[str], Any]:
    """Return the distinct words of a column and the place of each row's; what is not there is the empty word."""
    import pyarrow as pa

    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    words = ["" if word is None else str(word) for word in coded.dictionary.to_pylist()]
    return [*words, ""], coded.indices.fill_null(len(words)).cast(pa.int64()).to_numpy(zero_copy_only=False)


def _judged(sample: Sample) -> Sample:
    if sample.quality is Quality.GOOD and math.isnan(sample.value):
        return replace(sample, quality=Quality.BAD, reason=NO_NUMBER)
    return sample


def _quality(word: str, path: Path) -> int:
    if word and word not in [str(one) for one in QUALITIES]:
        raise BadInput.of(f'quality "{word}" is not known, expected {", ".join(map(str, QUALITIES))}', str(path))
    return CODES[Quality(word or Quality.GOOD)]


def _finite(value: Any) -> Any:
    return np.where(np.isfinite(value), value, np.nan)


def _table(columns: Columns, suffix: str) -> pa.Table:
    import pyarrow as pa
    from pyarrow import compute

    time = pa.array(columns.time).cast(pa.timestamp("us", "UTC"))
    if suffix == ".csv":
        time = compute.strftime(time, format="%Y-%m-%dT%H:%M:%SZ")
    word = pa.DictionaryArray.from_arrays
    arrays = {
        "time": time,
        "point": word(pa.array(columns.point), list(columns.points)),
        "value": pa.array(columns.value, from_pandas=True),
        "quality": word(pa.array(columns.quality.astype(np.int64)), [str(one) for one in QUALITIES]),
        "reason": word(pa.array(columns.reason), list(columns.reasons)),
    }
    words = ("point", "quality", "reason")
    return pa.table({name: array.cast(pa.string()) if name in words else array for name, array in arrays.items()})


def _writer(suffix: str, path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import csv, parquet

    words = [(name, pa.string()) for name in ("quality", "reason")]
    time = ("time", pa.timestamp("us", "UTC") if suffix == ".parquet" else pa.string())
    schema = pa.schema([time, ("point", pa.string()), ("value", pa.float64()), *words])
    if suffix == ".parquet":
        return parquet.ParquetWriter(path, schema)
    return csv.CSVWriter(path, schema, write_options=csv.WriteOptions(quoting_style="needed"))
