"""``python -m benchmarks.console.map [PIPES]``: the map with a tiled network, in a real Chromium.

The service's own network and state are laid side by side until there are PIPES links (100,000), and handed to the page
in the service's own format in place of its answers. Printed: what travels, how long painting a time step takes, how
long all script of the page works for one (reading the arrays and handing them to the card too), and for a frame while
the map is dragged.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import CDPSession, Page, Route, ViewportSize

from api.arrays import MEDIA_TYPE, Named, Packed, pack, unpack
from benchmarks.console.browser import PATIENCE_MS, console
from benchmarks.console.morning import set_up
from models.user import Role

GAP = 1.05
"""Tiles stand this many of their own widths apart."""
STEPS, DRAGS = 6, 12
WINDOW: ViewportSize = {"width": 800, "height": 500}
"""Small: what script costs does not depend on it, and where there is no card drawing costs by the pixel."""

Arrays = dict[str, NDArray[Any]]
DRAG = """async (count) => {
  const box = document.querySelector('canvas'); const spent = [];
  const common = {bubbles: true, clientY: 400, pointerId: 1, buttons: 1, isPrimary: true, pointerType: 'mouse'};
  const at = (x, type) => box.dispatchEvent(new PointerEvent(type, {...common, clientX: x}));
  at(500, 'pointerdown');
  for (let step = 0; step < count; step += 1) {
    const begun = performance.now(); at(500 + step * 4, 'pointermove'); spent.push(performance.now() - begun);
    await new Promise((next) => requestAnimationFrame(next));
  }
  at(500, 'pointerup');
  return spent;
}"""


def tiled(network: Arrays, pipes: int) -> tuple[Arrays, int]:
    """Return a network laid side by side until it has that many links, and how often."""
    links, nodes = len(network["link_kind"]), len(network["node_kind"])
    count = -(-pipes // links)
    across = int(np.ceil(np.sqrt(count)))
    x, y = network["node_x"], network["node_y"]
    places = np.arange(count)
    step = GAP * np.array([np.nanmax(x) - np.nanmin(x), np.nanmax(y) - np.nanmin(y)])
    made: Arrays = {name: np.tile(values, count) for name, values in network.items() if values.dtype != np.uint8}
    made |= {name: np.tile(network[name], count) for name in ("node_kind", "link_kind")}
    made["node_x"] = (made["node_x"] + np.repeat(places % across * step[0], nodes)).astype(np.float32)
    made["node_y"] = (made["node_y"] + np.repeat(places // across * step[1], nodes)).astype(np.float32)
    for end in ("link_start", "link_end"):
        made[end] = (made[end].astype(np.uint32) + np.repeat(places * nodes, links)).astype(np.uint32)
    for name, letter, size in (("node_ids", "J", nodes * count), ("link_ids", "P", links * count)):
        made[name] = np.frombuffer("\n".join(f"{letter}{one}" for one in range(size)).encode(), dtype=np.uint8)
    return {name: values for name, values in made.items() if not name.startswith("vertex")}, count


def packed(meta: dict[str, Any], arrays: Arrays) -> Packed:
    """Return arrays as the service sends them."""
    return pack(meta, [Named(name, values) for name, values in arrays.items()])


def answering(body: Callable[[], Packed]) -> Callable[[Route], None]:
    """Return how a question of the page is answered with packed arrays."""

    def answer(route: Route) -> None:
        route.fulfill(body=body().plain, headers={"Content-Type": MEDIA_TYPE})

    return answer


def measure(page: Page, root: str, pipes: int) -> dict[str, Any]:
    """Load the tiled network and let time pass over it."""
    network_meta, network = unpack(page.request.get(f"{root}/api/v1/network/arrays").body())
    state_meta, state = unpack(page.request.get(f"{root}/api/v1/state/arrays").body())
    large, count = tiled(network, pipes)
    body = packed({**network_meta, "revision": "tiled"}, large)
    sys.stderr.write(f"{len(large['link_kind'])} links travel as {len(body.gzipped) / 1e6:.2f} MB\n")
    rng = np.random.default_rng(1)

    def step() -> Packed:
        """A state of the tiled network a little other than the one before, so that every line is painted anew."""
        shifted = {
            name: np.tile(values, count) * rng.uniform(0.9, 1.1)
            if values.dtype == np.float32
            else np.tile(values, count)
            for name, values in state.items()
        }
        return packed(state_meta, {name: values.astype(state[name].dtype) for name, values in shifted.items()})

    page.set_viewport_size(WINDOW)
    page.route("**/api/v1/network/arrays", answering(lambda: body))
    page.route("**/api/v1/state/arrays*", answering(step))
    page.goto(f"{root}/#/monitor")
    page.reload()
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable")
    first = _wait_for_steps(page, 1)
    script_s = _script_s(browser)
    counted = _wait_for_steps(page, first + STEPS) - first
    script_s = _script_s(browser) - script_s
    spent = page.evaluate("() => performance.getEntriesByName('hydro:recolour').map((one) => one.duration)")
    frames = page.evaluate(DRAG, DRAGS)
    return {
        "links": len(large["link_kind"]),
        "steps": len(spent),
        "network_gzip_mb": round(len(body.gzipped) / 1e6, 2),
        "recolour_script_ms": {"median": round(statistics.median(spent), 1), "worst": round(max(spent), 1)},
        "script_ms_a_step": round(1e3 * script_s / counted, 1),
        "drag_script_ms": {"median": round(statistics.median(frames), 1), "worst": round(max(frames), 1)},
    }


def _wait_for_steps(page: Page, least: int) -> int:
    """Wait until that many time steps have been painted; return how many have."""
    painted = "performance.getEntriesByName('hydro:recolour').length"
    page.wait_for_function(f"() => {painted} >= {least}", timeout=2 * PATIENCE_MS, polling=500)
    return int(page.evaluate(painted))


def _script_s(browser: CDPSession) -> float:
    """Return how long the page's main thread has run script since the session began to count [s]."""
    told = browser.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in told if one["name"] == "ScriptDuration"))


def main(pipes: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="hydro-map-") as scratch:
        site = set_up(Path(scratch) / "site")
        # A viewer's map shows the state as it is; who may try what-ifs sees it with the believed causes in it.
        with console(site.folder, Role.VIEWER) as (address, _, page):
            sys.stdout.write(json.dumps(measure(page, address, pipes)) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
