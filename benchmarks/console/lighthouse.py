"""``python -m benchmarks.console.lighthouse``: accessibility of every page by Lighthouse, in a real Chromium.

Lighthouse is fetched by npm at a fixed version; it looks through the debugging port of a Chromium that has signed in.
Printed: the score of each page, and what costs it points; 1 when one is below 100.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.api.service import running
from benchmarks.console.browser import FLAGS, chromium_path, sign_in
from benchmarks.console.morning import set_up
from benchmarks.console.pictures import PAGES

PACKAGE = "lighthouse@12.8.2"
FULL = 100


def main() -> int:
    """Score every page and tell."""
    scores: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="hydro-lighthouse-") as scratch:
        site = set_up(Path(scratch) / "site")
        with running(site.folder) as service, sync_playwright() as playwright:
            address = f"http://{service.host}:{service.port}"
            # Lighthouse opens tabs beside the first one: what signs in there must not be a window of its own.
            context = playwright.chromium.launch_persistent_context(
                Path(scratch) / "profile", executable_path=chromium_path(), args=[*FLAGS, "--remote-debugging-port=0"]
            )
            port = int((Path(scratch) / "profile" / "DevToolsActivePort").read_text(encoding="ascii").split()[0])
            scores["sign-in"] = _tell("sign-in", _audit(address, port))
            sign_in(context.pages[0], address)
            for name, (place, _) in PAGES.items():
                scores[name] = _tell(name, _audit(f"{address}/{place}", port))
            context.close()
    return 0 if min(scores.values()) == FULL else 1


def _audit(url: str, port: int) -> dict[str, Any]:
    """Return what Lighthouse reports of a page."""
    command = ["npx", "--yes", PACKAGE, url, "--quiet", "--output=json", "--only-categories=accessibility"]
    stay = ["--preset=desktop", "--disable-storage-reset", f"--port={port}", "--max-wait-for-load=60000"]
    done = subprocess.run([*command, *stay], stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _tell(name: str, report: dict[str, Any]) -> int:
    """Print a page's score and what it lacks; return the score."""
    category = report["categories"]["accessibility"]
    score = round(100 * float(category["score"]))
    audits = [report["audits"][one["id"]] for one in category["auditRefs"]]
    applied = [one for one in audits if one["score"] is not None]
    print(f"{name}: {score} of {FULL}, {len(applied)} audits at {report['finalDisplayedUrl']}", flush=True)
    for one in applied:
        if one["score"] < 1:
            for item in one["details"]["items"]:
                print(f"    {one['id']}: {item['node']['selector']}: {item['node']['explanation']}")
    return score


if __name__ == "__main__":
    sys.exit(main())
