"""``python -m benchmarks.console.latency [READINGS]``: from a reading to the number on the page, in a real Chromium.

On the documented morning's site a point is read anew at moments that fall anywhere between the service's looks at the
stores; the page notes, on the same machine's clock, the frame in which its table shows the number. What is told begins
before the reading is kept, so that a poll period and the device's own answer are all that comes on top.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.console.browser import console
from benchmarks.console.morning import MORNING, set_up
from models.sample import Sample
from models.site import Site
from stores.telemetry import open_telemetry

POINT = "PT-07"
LOWEST_M = 20.0
APART_S = (0.6, 1.4)
WATCH = """(point) => {
  window.shown = {};
  const look = () => {
    const row = [...document.querySelectorAll('tbody tr')].find((one) => one.cells[1]?.textContent.trim() === point);
    const value = Number.parseFloat(row?.cells[3]?.textContent ?? '').toFixed(2);
    requestAnimationFrame(() => { shown[value] ??= Date.now() / 1000; });
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


def measure(page: Page, site: Site, readings: int) -> dict[str, object]:
    """Return how old each reading is when the page shows it [s]."""
    page.locator("tbody tr", has_text=POINT).wait_for()
    page.evaluate(WATCH, POINT)
    rng = random.Random(1)
    kept: dict[str, float] = {}
    store = open_telemetry(site.stores)
    for count in range(1, readings + 1):
        value = LOWEST_M + count / 100
        kept[f"{value:.2f}"] = time.time()
        store.write([Sample(POINT, MORNING + timedelta(seconds=count), value)])
        time.sleep(rng.uniform(*APART_S))
    store.close()
    page.wait_for_function("(last) => last in shown", arg=list(kept)[-1])
    shown: dict[str, float] = page.evaluate("shown")
    ages = sorted(shown[value] - moment for value, moment in kept.items() if value in shown)
    return {
        "readings": len(kept),
        "shown": len(ages),
        "age_s": {"median": round(statistics.median(ages), 3), "p95": round(ages[int(0.95 * len(ages))], 3)},
        "worst_s": round(ages[-1], 3),
    }


def main(readings: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="hydro-latency-") as scratch:
        site = set_up(Path(scratch) / "site")
        with console(site.folder) as (address, _, page):
            page.goto(f"{address}/#/data")
            sys.stdout.write(json.dumps(measure(page, site, readings)) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
