"""``python -m benchmarks.console.pictures ADDRESS FOLDER``: every page in both languages and both themes.

ADDRESS is the one that ``hydro demo --no-browser`` prints: it signs one browser in.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, ViewportSize

from benchmarks.console.browser import chromium

PAGES = {
    "monitor": "#/monitor",
    "element": "#/monitor?sel=J-126&what=node",
    "alarms": "#/alarms",
    "diagnosis": "#/diagnosis/{diagnosis}",
    "whatif": "#/whatif?diagnosis={diagnosis}&cure=0&side=difference",
    "orders": "#/orders/{order}",
    "data": "#/data/PT-07",
}
SIZE: ViewportSize = {"width": 1360, "height": 850}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 180_000.0
"""A picture on a machine without a graphics card takes its time."""
SETTLE_MS = 6000


def main(address: str, folder: Path) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = urlsplit(address)
    root = f"{parts.scheme}://{parts.netloc}"
    with chromium() as browser:
        context = browser.new_context(viewport=SIZE)
        context.set_default_timeout(PATIENCE_MS)
        door = context.new_page()
        door.goto(address)
        door.locator("nav").wait_for()
        newest = door.request.get(f"{root}/api/v1/diagnoses").json()["items"][0]["id"]
        order = door.request.get(f"{root}/api/v1/diagnoses/{newest}").json()["order_id"]
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                dress(door, language, theme, wall=False)
                for name, place in PAGES.items():
                    path = place.format(diagnosis=newest, order=order)
                    picture(context, f"{root}/{path}", folder / f"{name}-{language}-{theme}.png")
        dress(door, "zh", "dark", wall=True)
        picture(context, f"{root}/#/alarms", folder / "wall-zh-dark.png")
        dress(door, "zh", "light", wall=False)
        picture(context, f"{root}/#/orders/{order}", folder / "phone-zh-light.png", PHONE)


def dress(page: Page, language: str, theme: str, wall: bool) -> None:
    """Set language and theme as a person would have."""
    kept = json.dumps({"language": language, "theme": theme, "wall": wall})
    page.evaluate("kept => localStorage.setItem('hydro.prefs', kept)", kept)


def picture(context: BrowserContext, url: str, path: Path, size: ViewportSize = SIZE) -> None:
    """Open a page and take its picture once it has settled."""
    page = context.new_page()
    page.set_viewport_size(size)
    page.goto(url)
    page.locator("main h1, main h2").first.wait_for(state="attached")
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    page.close()
    sys.stderr.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
