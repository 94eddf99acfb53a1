"""Binary answers: by ETag, and compressed for whoever takes it."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from api.arrays import MEDIA_TYPE, Packed

BINARY: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Arrays in one body: `HYA1`, header length, JSON header, little-endian arrays.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"ETag": {"schema": {"type": "string"}}},
    },
    304: {"description": "It is as `If-None-Match` says."},
}


def packed_response(request: Request, packed: Packed) -> Response:
    """Return a packed body, or that the asker has it already."""
    headers = {"ETag": packed.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    if packed.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(packed.gzipped, media_type=MEDIA_TYPE, headers=headers)
    return Response(packed.plain, media_type=MEDIA_TYPE, headers=headers)
