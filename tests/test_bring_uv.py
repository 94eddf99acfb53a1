"""`make` on a machine whose Python has neither venv nor pip: uv comes from the index that is configured."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import bring_uv

ROOT = Path(__file__).parents[1]
PLATFORMS = "manylinux_2_17_{0}.manylinux2014_{0}", "musllinux_1_1_{0}", "macosx_11_0_{0}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def packed(program: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as wheel:
        wheel.writestr("uv-0.data/scripts/uvx", "another")
        wheel.writestr("uv-0.data/scripts/uv", program)
    return body.getvalue()


def publish(folder: Path, lie: bool = False) -> None:
    """Lay out an index with uv 0.9.1, 0.10.0 and a yanked 0.11.0 for every platform of this processor."""
    (folder / "simple" / "uv").mkdir(parents=True)
    (folder / "files").mkdir()
    lines = []
    for version in ("0.9.1", "0.10.0", "0.11.0"):
        for platforms in PLATFORMS:
            name = f"uv-{version}-py3-none-{platforms.format(os.uname().machine)}.whl"
            body = packed(f"#!/bin/sh\necho uv {version}\n")
            (folder / "files" / name).write_bytes(body)
            digest = "0" * 64 if lie else hashlib.sha256(body).hexdigest()
            yanked = ' data-yanked="broken"' if version == "0.11.0" else ""
            lines.append(f'<a href="../../files/{name}#sha256={digest}"{yanked}>{name}</a>')
    (folder / "simple" / "uv" / "index.html").write_text("\n".join(lines))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A Python as Debian has it: no venv, no pip."""
    python = tmp_path / "python3"
    python.write_text(
        '#!/bin/sh\ncase "$1 $2" in "-m venv"|"-m pip") mkdir -p .uv/bin; exit 1;; esac\n'
        f'exec "{sys.executable}" -I -S "$@"\n'
    )
    python.chmod(0o755)
    return python


def make(python: Path, folder: Path, index: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    for name in ("Makefile", "bring_uv.py", "uv.lock"):
        shutil.copy(ROOT / name, folder)
    return subprocess.run(
        ["make", "-s", ".uv/bin/uv", f"PYTHON={python}"],
        cwd=folder, env=os.environ | {"UV_DEFAULT_INDEX": index}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def test_newest_uv_comes_without_venv_and_pip(tmp_path: Path, bare: Path) -> None:
    publish(tmp_path / "index")
    with served(tmp_path / "index") as index:
        done = make(bare, tmp_path / "house", index)
    assert done.returncode == 0, done.stderr
    uv = tmp_path / "house" / ".uv" / "bin" / "uv"
    assert subprocess.run([uv], capture_output=True, text=True, check=True).stdout == "uv 0.10.0\n"


def test_wheel_that_is_not_the_one_promised_is_refused(tmp_path: Path, bare: Path) -> None:
    publish(tmp_path / "index", lie=True)
    with served(tmp_path / "index") as index:
        done = make(bare, tmp_path / "house", index)
    assert done.returncode != 0
    assert "is not the file that the index promises" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "house" / ".uv" / "bin" / "uv").exists()


def test_index_that_is_not_there_is_said_with_what_to_do(tmp_path: Path, bare: Path) -> None:
    done = make(bare, tmp_path / "house", "http://127.0.0.1:9/simple")
    assert done.returncode != 0
    assert "uv does not come" in done.stderr
    assert "Install uv, pip or venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_index_is_the_configured_one_before_the_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    configured = tmp_path / "pip.conf"
    configured.write_text("[global]\nindex-url = http://mirror.invalid/simple/\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configured))
    assert bring_uv.index() == "http://mirror.invalid/simple"
    monkeypatch.setenv("UV_INDEX_URL", "http://other.invalid/simple")
    assert bring_uv.index() == "http://other.invalid/simple"
    monkeypatch.delenv("UV_INDEX_URL")
    monkeypatch.setattr(bring_uv, "_of_pip", lambda option: None)
    assert f'registry = "{bring_uv.index()}"' in (ROOT / "uv.lock").read_text()
