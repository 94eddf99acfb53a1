"""A photo of a crew, kept with its order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SIGNATURES = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/webp": (8, b"WEBP"),
}
"""How a file of each kind begins: the offset and the bytes there."""


@dataclass(frozen=True, slots=True)
class Photo:
    """What a photo is, without its bytes. ``id`` is 0 until it is kept."""

    order_id: int
    media_type: str
    size: int
    by: str
    time: datetime
    caption: str = ""
    id: int = 0


def media_type_of(content: bytes) -> str | None:
    """Return the kind of an image by how it begins; None when it is none that is kept."""
    for media_type, (offset, mark) in SIGNATURES.items():
        if content[offset : offset + len(mark)] == mark:
            return media_type
    return None
