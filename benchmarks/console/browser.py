"""A Chromium with WebGL in software, signed in at the console, as the measurements and the pictures use it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from benchmarks.api.service import running
from benchmarks.console.morning import PASSWORD
from models.user import Role

FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
SIZE: ViewportSize = {"width": 1360, "height": 850}
PATIENCE_MS = 240_000.0
"""A machine without a graphics card takes its time."""


def chromium_path() -> str:
    """Return the machine's Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise SystemExit("no Chromium on this machine: apt-get install chromium")
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """Open the machine's Chromium; it is closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def console(folder: Path, role: Role = Role.ENGINEER) -> Iterator[tuple[str, BrowserContext, Page]]:
    """Run a site's service and sit down before it: its address, the browser's context, a page that has signed in."""
    with running(folder) as service, chromium() as browser:
        address = f"http://{service.host}:{service.port}"
        context = browser.new_context(viewport=SIZE, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        sign_in(page, address, role)
        yield address, context, page


def sign_in(page: Page, address: str, role: Role = Role.ENGINEER) -> None:
    """Sign in by the form, as one of the people of the documented morning."""
    page.goto(address)
    page.locator("input[autocomplete=username]").fill(role.value)
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    page.locator("nav").wait_for()
