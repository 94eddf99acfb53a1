"""Whole files: written beside their place and moved there, so that a full disk or a kill leaves the old one."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import copymode


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text as UTF-8, or leave the one that is there.

    Raises
    ------
    OSError
        It cannot be written; the error names ``path``, whatever the system names.
    """
    written = content.encode() if isinstance(content, str) else content
    place = path.resolve()
    beside = place.with_name(f".{place.name}.part")
    # A device or a pipe holds nothing that could be left as it was, and must not become a file.
    through = place.exists() and not place.is_file()
    try:
        with (place if through else beside).open("wb") as file:
            file.write(written)
            file.flush()
            if not through:
                os.fsync(file.fileno())
        if not through:
            if place.exists():
                copymode(place, beside)
            beside.replace(place)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error
