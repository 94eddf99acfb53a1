"""Files in: samples of 1,000 points at 1-minute steps, as Parquet and as CSV, into the embedded store.

    python -m benchmarks.collection.exchange [--days 7] [--points 1000]

Rows lie by time, every point of a minute after the other, as an export of a year would; what a year would take is told
at the rate that was seen.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from models.point import Point
from models.quantity import Quantity
from stores.embedded import EmbeddedStore
from stores.exchange import import_file
from stores.instant import microseconds

START_US = microseconds(datetime(2025, 7, 11, tzinfo=UTC))
YEAR_DAYS = 365


def days(count: int, names: list[str]) -> Iterator[pa.Table]:
    """Yield a table a day."""
    chance = np.random.default_rng(1)
    for day in range(count):
        minute = START_US + (np.arange(1440) + 1440 * day) * 60_000_000
        yield pa.table(
            {
                "time": pa.array(np.repeat(minute, len(names)), pa.timestamp("us", "UTC")),
                "point": pa.array(np.tile(np.array(names), 1440)),
                "value": chance.normal(40.0, 3.0, 1440 * len(names)).round(3),
            }
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--points", type=int, default=1000)
    args = parser.parse_args()
    names = [f"P-{number}" for number in range(args.points)]
    points = [Point(name, "J", Quantity.PRESSURE, "m", "d", "holding/0") for name in names]
    with tempfile.TemporaryDirectory() as folder:
        for suffix, writer in (("parquet", pyarrow.parquet.ParquetWriter), ("csv", pyarrow.csv.CSVWriter)):
            path = Path(folder) / f"given.{suffix}"
            tables = days(args.days, names)
            first = next(tables)
            with writer(path, first.schema) as file:
                file.write_table(first)
                for table in tables:
                    file.write_table(table)
            store = EmbeddedStore(Path(folder) / f"{suffix}.sqlite")
            begun, spent = time.monotonic(), time.process_time()
            rows = sum(import_file(path, store, points))
            seconds, cpu_s = time.monotonic() - begun, time.process_time() - spent
            store.close()
            rest = YEAR_DAYS / args.days / 60
            print(f"{suffix:8} {rows:,} rows in {seconds:.1f} s ({cpu_s:.1f} s of CPU): {rows / seconds:,.0f} a second")
            print(f"{'':8} a year at this rate: {seconds * rest:.1f} minutes ({cpu_s * rest:.1f} minutes of CPU)")


if __name__ == "__main__":
    main()
