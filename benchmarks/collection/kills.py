"""Kill -9 at 200 random moments under load, of collectors and of the server: is what was acknowledged in the store?

    python -m benchmarks.collection.kills [--kills 200] [--seed 1] [--only WORDS]

A collector acquires twenty thousand samples a second, each once; it fails here if one is missing, or there twice.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.stores.influx_server import InfluxServer, binary
from tests.stores.killed import check, kill_collector, kill_server


def kill_collectors(folder: Path, kills: int, chance: random.Random, server: tuple[str, ...] = ()) -> int:
    """Kill a collector so many times; return how many samples were acknowledged."""
    acquired = kill_collector(folder, kills, chance, server)
    check(folder, acquired, server)
    return acquired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="the run that is named so: one of the three that are printed")
    args = parser.parse_args()
    program = binary()
    assert program is not None, "make influxd brings the server"
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / word for word in ("server", "one", "two", "three")]
        for folder in folders:
            folder.mkdir()
        server = InfluxServer(program, folders[0])
        bucket = server.bucket()
        where = (bucket.url, bucket.bucket, bucket.token)
        runs: dict[str, Callable[[random.Random], int]] = {
            "collector, embedded store": lambda chance: kill_collectors(folders[1], args.kills, chance),
            "collector, InfluxDB": lambda chance: kill_collectors(folders[2], args.kills, chance, where),
            "InfluxDB": lambda chance: kill_server(folders[3], args.kills, chance, server),
        }
        try:
            for what, kill in runs.items():
                if args.only not in (None, what):
                    continue
                acquired = kill(random.Random(args.seed))
                print(
                    f"{what:28} killed {args.kills} times; {acquired} samples acknowledged, each there once", flush=True
                )
        finally:
            server.kill()


if __name__ == "__main__":
    main()
