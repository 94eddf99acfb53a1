"""Bring uv without pip: fetch its wheel from the package index and unpack the program.

``python bring_uv.py .uv/bin/uv``. The Makefile asks for it where Python has neither ``venv`` nor ``pip``, as Debian's
has not; so it needs the standard library alone. The index is the one that uv or pip is configured for, else the one
that ``uv.lock`` was made from.
"""

from __future__ import annotations

import configparser
import hashlib
import io
import os
import platform
import re
import ssl
import sys
import tomllib
import urllib.request
import zipfile
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

LOCK = Path(__file__).with_name("uv.lock")
WHEEL = re.compile(r"uv-(\d+(?:\.\d+)*)-py3-none-([\w.]+)\.whl")
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the index: its version, the platforms it is for, where it lies, and its SHA-256 where that is told."""

    version: tuple[int, ...]
    platforms: tuple[str, ...]
    url: str
    sha256: str


class Page(HTMLParser):
    """The links of a page of a simple index (PEP 503); what was yanked is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down where an anchor leads."""
        told = dict(attrs)
        if tag == "a" and "data-yanked" not in told:
            self.links.append(told.get("href") or "")


def index() -> str:
    """Return the address of the package index."""
    named = [os.environ.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")]
    locked = [package["source"].get("registry") for package in tomllib.loads(LOCK.read_text("utf-8"))["package"]]
    address: str = next(filter(None, [*named, _of_pip("index-url"), *locked]))
    return address.rstrip("/")


def _of_pip(option: str) -> str | None:
    """Return an option of pip's configuration files: the user's before the machine's."""
    home = Path.home()
    named = os.environ.get("PIP_CONFIG_FILE")
    places = [home / ".config/pip/pip.conf", home / ".pip/pip.conf", Path("/etc/pip.conf")]
    for place in [Path(named), *places] if named else places:
        file = configparser.RawConfigParser()
        file.read(place, encoding="utf-8")
        if (value := file.get("global", option, fallback=None)) is not None:
            return value
    return None


def wheels(page: str, address: str) -> list[Wheel]:
    """Return the wheels that a page of the index leads to."""
    parser = Page()
    parser.feed(page)
    found = []
    for link in parser.links:
        url, mark = urldefrag(urljoin(address, link))
        if (named := WHEEL.fullmatch(unquote(urlsplit(url).path).rpartition("/")[2])) is not None:
            version = tuple(int(part) for part in named[1].split("."))
            found.append(Wheel(version, tuple(named[2].split(".")), url, mark.removeprefix("sha256=")))
    return found


def fits(wheel: Wheel) -> bool:
    """Return whether a wheel's program runs on this machine."""
    kind = "macosx" if sys.platform == "darwin" else "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return any(one.startswith(kind) and one.endswith(f"_{platform.machine()}") for one in wheel.platforms)


def bring(to: Path) -> None:
    """Write the newest uv that runs here to ``to``.

    Raises
    ------
    OSError
        The index or the wheel does not come.
    ValueError
        The index has no wheel for this machine, or what came is not what the index says.
    """
    address = f"{index()}/uv/"
    fitting = [one for one in wheels(_fetch(address).decode("utf-8"), address) if fits(one)]
    if not fitting:
        raise ValueError(f"{address}: no wheel for {sys.platform} on {platform.machine()}")
    chosen = max(fitting, key=lambda one: one.version)
    body = _fetch(chosen.url)
    if chosen.sha256 and hashlib.sha256(body).hexdigest() != chosen.sha256:
        raise ValueError(f"{chosen.url}: is not the file that the index promises (SHA-256 {chosen.sha256})")
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        program = next(name for name in packed.namelist() if name.endswith(".data/scripts/uv"))
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_name(f"{to.name}.part")
        part.write_bytes(packed.read(program))
    part.chmod(0o755)
    part.replace(to)


def _fetch(url: str) -> bytes:
    trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or _of_pip("cert"))
    with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=trust) as answer:
        body: bytes = answer.read()
        return body


if __name__ == "__main__":
    try:
        bring(Path(sys.argv[1]))
    except (OSError, ValueError) as error:
        sys.exit(f"uv does not come: {error}. Install uv, pip or venv for this Python and try again")
