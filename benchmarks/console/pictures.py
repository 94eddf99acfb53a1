"""``python -m benchmarks.console.pictures [FOLDER]``: every page in both languages and both themes.

Taken on the documented morning, by a real Chromium, into ``docs/images/console`` unless another folder is given.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from benchmarks.console.browser import PATIENCE_MS, SIZE, console
from benchmarks.console.morning import set_up

PAGES = {
    "monitor": ("#/monitor", ".strip li"),
    "element": ("#/monitor?sel=J-126&what=node", "figure .host canvas"),
    "alarms": ("#/alarms", "tbody tr"),
    "diagnosis": ("#/diagnosis/1", ".verdict"),
    "whatif": ("#/whatif?diagnosis=1&cure=0", ".dispatch .gain"),
    "orders": ("#/orders/1", ".valve"),
    "data": ("#/data/PT-07", "figure .host canvas"),
}
WALL: ViewportSize = {"width": 1920, "height": 1080}
PHONE: ViewportSize = {"width": 390, "height": 844}
WAITING = ".quiet-box[role=status]"
STILL = "() => performance.now() - (performance.getEntriesByName('hydro:recolour').at(-1)?.startTime ?? 0) > 1500"
"""The map, if there is one, was not painted anew for a while."""
QUALITY = 82
MOST_BYTES = 150_000
PICTURES = Path(__file__).parents[2] / "docs" / "images" / "console"


def main(folder: Path) -> int:
    """Take the pictures; 1 when one is too large."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="hydro-pictures-") as scratch:
        site = set_up(Path(scratch) / "site")
        with console(site.folder) as (address, context, door):
            for language, theme in product(("en", "zh"), ("light", "dark")):
                dress(door, language, theme)
                for name, (place, there) in PAGES.items():
                    path = folder / f"{name}-{language}-{theme}.webp"
                    sizes[path.name] = picture(context, f"{address}/{place}", there, path)
            dress(door, "zh", "dark", wall=True)
            wall = folder / "wall-zh-dark.webp"
            sizes["wall"] = picture(context, f"{address}/#/alarms", "tbody tr", wall, WALL)
            dress(door, "zh", "light")
            phone = folder / "phone-zh-light.webp"
            sizes["phone"] = picture(context, f"{address}/#/orders/1", ".valve", phone, PHONE)
    large = [
        f"{name}: {size} bytes, expected {MOST_BYTES} at most" for name, size in sizes.items() if size > MOST_BYTES
    ]
    sys.stdout.writelines(f"{line}\n" for line in large)
    return 1 if large else 0


def dress(page: Page, language: str, theme: str, wall: bool = False) -> None:
    """Set language and theme as a person would have."""
    kept = json.dumps({"language": language, "theme": theme, "wall": wall})
    page.evaluate("kept => localStorage.setItem('hydro.prefs', kept)", kept)


def picture(context: BrowserContext, url: str, there: str, path: Path, size: ViewportSize = SIZE) -> int:
    """Open a page, take its picture once nothing moves any more and return the file's size [byte]."""
    page = context.new_page()
    page.set_viewport_size(size)
    page.goto(url)
    page.locator(there).first.wait_for()
    expect(page.locator(WAITING)).to_have_count(0)
    page.wait_for_function(STILL)
    taken = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(taken["data"]))
    page.close()
    sys.stderr.write(f"{path}\n")
    return path.stat().st_size


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES))
