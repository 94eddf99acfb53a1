"""``python -m benchmarks.api.whatif``: the time of one steady what-if through HTTP on loopback.

Each what-if lays another main anew, so that nothing is answered from memory. Beside each median stands that of the
smallest request (`/healthz`), asked in turn with it, so that the cost of HTTP itself can be told apart.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import sample_networks
from benchmarks.api.grid import make_site
from benchmarks.api.service import Service, running

TRIES = 60
SIZES = ("PE100 SDR17 DN110", "PE100 SDR17 DN160", "DI K9 DN100", "DI K9 DN200")


def main() -> int:
    """Measure Jiaozhou and a grid of 10,000 junctions."""
    with tempfile.TemporaryDirectory(prefix="hydro-bench-") as scratch:
        sample = Path(sample_networks.__file__).parent / "jiaozhou"
        jiaozhou, grid = Path(scratch) / "jiaozhou", Path(scratch) / "grid"
        shutil.copytree(sample, jiaozhou, ignore=shutil.ignore_patterns("plant", "data", "__pycache__"))
        make_site(grid, side=100, points=1)
        for name, folder, links in (
            ("Jiaozhou, 317 junctions", jiaozhou, [f"P-{one:03d}" for one in range(1, 300)]),
            ("grid, 10,000 junctions", grid, [f"V{one}" for one in range(0, 9000, 31)]),
        ):
            with running(folder) as service:
                _tell(name, *_measure(service, links))
    return 0


def _measure(service: Service, links: list[str]) -> tuple[list[float], list[float]]:
    """Return the times of what-ifs and of the smallest request [ms]."""
    connection = service.connection()
    whatifs, smallest = [], []
    for place, link in enumerate(links[: TRIES + 5]):
        change = {"kind": "replace", "element": link, "size": SIZES[place % len(SIZES)]}
        started = time.perf_counter()
        service.ask(connection, "POST", "/whatifs", {"changes": [change], "at": "peak"})
        whatifs.append(1e3 * (time.perf_counter() - started))
        started = time.perf_counter()
        service.ask(connection, "GET", "/session")
        smallest.append(1e3 * (time.perf_counter() - started))
    connection.close()
    # The first few open projects and load what is imported when it is needed.
    return whatifs[5:], smallest[5:]


def _tell(name: str, whatifs: list[float], smallest: list[float]) -> None:
    p95 = sorted(whatifs)[int(0.95 * len(whatifs))]
    print(
        f"{name}: what-if median {statistics.median(whatifs):.1f} ms, p95 {p95:.1f} ms of {len(whatifs)};"
        f" smallest request median {statistics.median(smallest):.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
