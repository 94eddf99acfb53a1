"""Networks that are sent to be looked at: unpacked within bounds, and read in a process of their own.

A file from outside may be no network, may be huge, or may unpack to something huge; EPANET reads it in C. Whatever it
does there, it does to a process that is bounded in memory and time and of which only the answer is taken.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO

from api.look import INVALID_STATUS, MOST_SECONDS
from api.problems import ApiProblem, ProblemType
from api.schemas.network import NetworkCheck
from models.problem import BadInput

MOST_BYTES = 64 * 1024 * 1024
"""The largest network, unpacked: some 500,000 pipes [bytes]."""
_DAMAGED = (OSError, EOFError, ValueError, LookupError, RuntimeError)


def unpacked(content: bytes) -> bytes:
    """Return a network file, out of the gzip or zip that it may have come in.

    Raises
    ------
    ApiProblem
        It unpacks to more than is taken, or is damaged, or is no text.
    """
    try:
        if content[:2] == b"\x1f\x8b":
            content = _bounded(gzip.GzipFile(fileobj=io.BytesIO(content)))
        elif content[:4] == b"PK\x03\x04":
            content = _only_member(content)
    # zipfile lets whatever a damaged directory trips over pass: places outside the file, names that are no text.
    except (*_DAMAGED, zlib.error, zipfile.BadZipFile, struct.error) as error:
        raise ApiProblem(ProblemType.INVALID, f"network: cannot be unpacked: {error}") from error
    if not content.strip():
        raise ApiProblem(ProblemType.INVALID, "network: is empty, expected an EPANET file")
    if b"\0" in content[:65536]:
        raise ApiProblem(ProblemType.INVALID, "network: is no text, expected an EPANET file (.inp)")
    return content


def check(content: bytes, running: Path) -> NetworkCheck:
    """Return what a network file holds, and where it differs from the running network.

    Raises
    ------
    ApiProblem
        It is no network: EPANET's own words, with section and line.
    """
    with tempfile.TemporaryDirectory(prefix="hydro-upload-") as folder:
        path = Path(folder) / "network.inp"
        path.write_bytes(content)
        command = [sys.executable, "-m", "api.look", str(path), str(running)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=MOST_SECONDS,
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = f"network: not read within {MOST_SECONDS} s"
            raise ApiProblem(ProblemType.INVALID, said) from None
    if done.returncode == INVALID_STATUS:
        raise ApiProblem(ProblemType.INVALID, done.stderr.strip().replace(f"{path}: ", "network: "))
    if done.returncode != 0:
        raise BadInput.of(f"network: cannot be read (its reader ended with status {done.returncode})")
    return NetworkCheck.model_validate(json.loads(done.stdout))


def _bounded(file: IO[bytes] | gzip.GzipFile) -> bytes:
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ApiProblem(ProblemType.TOO_LARGE, f"network: unpacks to more than {MOST_BYTES} bytes")
    return content


def _only_member(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = [one for one in archive.infolist() if not one.is_dir() and one.filename.lower().endswith(".inp")]
        if len(files) != 1:
            raise ApiProblem(ProblemType.INVALID, f"network: the archive holds {len(files)} .inp files, expected one")
        # Others are never needed, and an LZMA header may ask for 4 GB before the first byte is there.
        if files[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ApiProblem(ProblemType.INVALID, "network: the archive is packed otherwise than by deflate")
        with archive.open(files[0]) as file:
            return _bounded(file)
