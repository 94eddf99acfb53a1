"""``python -m benchmarks.console.pictures ADDRESS FOLDER``: every page in both languages and both themes.

ADDRESS is the one that ``hydro demo --no-browser`` prints: it signs one browser in.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, ViewportSize

from benchmarks.console.browser import chromium

PAGES = {
    "monitor": "#/monitor",
    "element": "#/monitor?sel=J-126&what=node",
    "alarms": "#/alarms",
    "diagnosis": "#/diagnosis/1",
    "whatif": "#/whatif?diagnosis=1&cure=0&side=difference",
    "orders": "#/orders/1",
    "data": "#/data/PT-07",
}
SIZE: ViewportSize = {"width": 1360, "height": 850}
PATIENCE_MS = 180_000.0
"""A picture on a machine without a graphics card takes its time."""
SETTLE_MS = 6000


def main(address: str, folder: Path) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = urlsplit(address)
    root = f"{parts.scheme}://{parts.netloc}"
    with chromium() as browser:
        context = browser.new_context(viewport=SIZE, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.locator("nav").wait_for()
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                dress(page, language, theme, wall=False)
                for name, place in PAGES.items():
                    picture(page, root, place, folder / f"{name}-{language}-{theme}.png")
        dress(page, "zh", "dark", wall=True)
        picture(page, root, "#/alarms", folder / "wall-zh-dark.png")
        dress(page, "zh", "light", wall=False)
        page.set_viewport_size({"width": 390, "height": 844})
        picture(page, root, "#/orders/1", folder / "phone-zh-light.png")


def dress(page: Page, language: str, theme: str, wall: bool) -> None:
    """Set language and theme as a person would have."""
    kept = json.dumps({"language": language, "theme": theme, "wall": wall})
    page.evaluate("kept => localStorage.setItem('hydro.prefs', kept)", kept)
    page.reload()
    page.locator("nav").wait_for()


def picture(page: Page, root: str, place: str, path: Path) -> None:
    """Go to a page and take its picture once it has settled."""
    page.goto(f"{root}/{place}")
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    sys.stderr.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
