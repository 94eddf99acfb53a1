"""A real service with the built console, and a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from api.console import lacking
from benchmarks.console.morning import MORNING, PASSWORD, WORDS, set_up
from models.site import Site
from models.site_file import load_site
from models.user import Role

ROOT = Path(__file__).parents[2]
# Debian's browser draws WebGL in software; Playwright's own download is not to be had everywhere.
CHROMIUM_FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
PATIENCE_MS = 60_000.0
expect.set_options(timeout=PATIENCE_MS)


def missing(what: str) -> None:
    """A missing real part is a failure in CI, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@dataclass
class Service:
    """A running ``hydro serve`` of its own, which can be stopped and started at the same address."""

    site: Site
    now: datetime = MORNING
    port: int = 0
    url: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        command = [sys.executable, "-m", "cli.main", "serve", str(self.site.folder), "--no-collect", "--no-monitor"]
        with (self.site.folder / "service.log").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--json"], stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT
            )
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None


@pytest.fixture(scope="session")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documented morning's folder, to be copied; names and words look like HTML."""
    fact = lacking()
    if fact is not None:
        missing(f"the console: {fact}; make web")
    people = {role: f"{role.value.title()} <b>Wang</b>" for role in Role}
    return set_up(tmp_path_factory.mktemp("morning") / "site", people, WORDS + " <img src=x onerror=alert(1)>").folder


@contextmanager
def opened(morning: Path, folder: Path) -> Iterator[Service]:
    """A service of its own on a copy of the morning."""
    running = Service(load_site(shutil.copytree(morning, folder)))
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def service(morning: Path, tmp_path: Path) -> Iterator[Service]:
    """A service for one test, which may change what it likes."""
    with opened(morning, tmp_path / "site") as running:
        yield running


@pytest.fixture(scope="module")
def shared(morning: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for tests that only look."""
    with opened(morning, tmp_path_factory.mktemp("shared") / "site") as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("no Chromium on this machine: apt-get install chromium")
    opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
    yield opened
    opened.close()


Desk = Callable[..., Page]


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    """Sit down before a page: ``desk(url, language, theme, **context)``. What the page complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def sit(url: str, language: str = "en", theme: str = "light", wall: bool = False, **options: Any) -> Page:
        settled: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "timezone_id": "America/New_York"}
        # What moves is not read while it moves.
        settled |= {"reduced_motion": "reduce", **options}
        context = browser.new_context(**settled)
        contexts.append(context)
        kept = json.dumps({"language": language, "theme": theme, "wall": wall})
        context.add_init_script(f"localStorage.getItem('hydro.prefs') ?? localStorage.setItem('hydro.prefs', '{kept}')")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.goto(url)
        return page

    yield sit
    for context in contexts:
        context.unroute_all(behavior="ignoreErrors")
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()
    assert complaints == []


SignIn = Callable[..., None]


@pytest.fixture
def sign_in() -> SignIn:
    """Sign in by the form: ``sign_in(page, role)``."""

    def enter(page: Page, role: Role = Role.ENGINEER) -> None:
        page.locator("input[autocomplete=username]").fill(role.value)
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        page.locator("nav").wait_for()

    return enter


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, to be run inside a page."""
    path = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        missing(f"{path}: fetched by make web")
    return path.read_text(encoding="utf-8")
