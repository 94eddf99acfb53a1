"""The console's built files: found, held against their source, and served from memory.

They are made from ``web/`` when the package is built and travel inside it, so that whoever runs Hydro needs no Node.
Where ``web/`` stands beside them (a checkout), files that are missing or were made from other sources are not served:
a page says what to run, and the rest of the service is as well as ever.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

LOG = logging.getLogger(__name__)
BUILT = Path(__file__).parent / "assets"
SOURCE = Path(__file__).parent.parent / "web"
STAMP = "built.json"
"""Written last by the build: the hash of the sources it was made from."""
PARTS = "parts.json"
"""Which part of the page is in which file; for measurements, not for browsers."""
MADE = frozenset({"node_modules", "schema.d.ts", "__pycache__"})
"""Names in ``web/`` that are made there and are no source."""
LEAST_GZIP = 512
"""Smaller files are not worth compressing [bytes]."""
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Hydro</title>
<p>The console is not here: {fact}. Run <code>make web</code> and start the service again.
<p lang="zh-CN">控制台尚未构建。请运行 <code>make web</code>，然后重新启动服务。"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: plain, compressed where that is shorter, and how long a browser may keep it."""

    plain: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    lasting: bool


def source_hash(source: Path = SOURCE) -> str:
    """Return the hash of everything under ``web/`` that the built files are made from."""
    told = hashlib.sha256()
    for path in sorted(_sources(source)):
        told.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()


def lacking(built: Path = BUILT, source: Path = SOURCE) -> str | None:
    """Return what is wrong with the built files, None where they can be served."""
    stamp = built / STAMP
    if not stamp.is_file() or not (built / "index.html").is_file():
        return "it was never built, or its files were deleted"
    if not source.is_dir():
        return None
    if json.loads(stamp.read_text(encoding="utf-8"))["source"] != source_hash(source):
        return "it was built from other sources than those in web/"
    return None


def read_assets(built: Path = BUILT) -> Mapping[str, Asset]:
    """Return the built files by the path a browser asks for."""
    found = {
        path.relative_to(built).as_posix(): _asset(path, lasting=path.parent != built)
        for path in built.rglob("*")
        if path.is_file() and path.name not in (STAMP, PARTS)
    }
    return found | {"": found["index.html"]}


def mount(app: FastAPI, built: Path = BUILT, source: Path = SOURCE) -> None:
    """Serve the console at the root of an application; call it after every other route is there."""
    from starlette.responses import HTMLResponse, Response

    fact = lacking(built, source)
    if fact is not None:
        LOG.warning("the console is not served: %s; run make web", fact)
    assets = {} if fact is not None else read_assets(built)

    def serve(request: Request) -> Response:
        if fact is not None:
            return HTMLResponse(NOT_BUILT.format(fact=fact), status_code=503)
        asset = assets[request.url.path.removeprefix("/")]
        headers = {
            "ETag": asset.etag,
            "Vary": "Accept-Encoding",
            "Cache-Control": "public, max-age=31536000, immutable" if asset.lasting else "no-cache",
        }
        if request.headers.get("If-None-Match") == asset.etag:
            return Response(status_code=304, headers=headers)
        body = asset.plain
        if asset.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers = asset.gzipped, {**headers, "Content-Encoding": "gzip"}
        return Response(body, media_type=asset.media_type, headers=headers)

    for path in assets or ("", "index.html"):
        app.add_route(f"/{path}", serve, methods=["GET", "HEAD"], include_in_schema=False)


def _sources(source: Path) -> Iterator[Path]:
    for path in source.iterdir():
        if path.name in MADE:
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _asset(path: Path, lasting: bool) -> Asset:
    plain = path.read_bytes()
    squeezed = gzip.compress(plain, 9, mtime=0) if len(plain) >= LEAST_GZIP else plain
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    # Windows keeps its own idea of what .js is.
    kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}.get(path.suffix, kind)
    etag = '"' + hashlib.sha256(plain).hexdigest()[:32] + '"'
    return Asset(plain, squeezed if len(squeezed) < len(plain) else None, kind, etag, lasting)
