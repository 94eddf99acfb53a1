"""The console's files: served when they are there and fit their sources, said plainly when not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.console import STAMP, lacking, mount, source_hash


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.ts").write_text("console.log(1)", encoding="utf-8")
    return folder


@pytest.fixture
def built(tmp_path: Path, source: Path) -> Path:
    folder = tmp_path / "assets"
    (folder / "parts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Hydro</title>", encoding="utf-8")
    (folder / "parts" / "index-abc.js").write_text("export const words = 1;\n" * 200, encoding="utf-8")
    (folder / STAMP).write_text(json.dumps({"source": source_hash(source)}), encoding="utf-8")
    return folder


def client(built: Path, source: Path) -> TestClient:
    app = FastAPI()
    mount(app, built, source)
    return TestClient(app)


def test_page_is_asked_for_anew_and_its_parts_are_kept(built: Path, source: Path) -> None:
    console = client(built, source)
    page, part = console.get("/"), console.get("/parts/index-abc.js")
    assert page.headers["Cache-Control"] == "no-cache"
    assert "immutable" in part.headers["Cache-Control"]
    assert part.headers["Content-Encoding"] == "gzip"
    assert part.text.startswith("export const words")
    assert console.get("/", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304


def test_part_of_an_older_console_is_not_there(built: Path, source: Path) -> None:
    console = client(built, source)
    assert console.get("/parts/index-old.js").status_code == 404
    assert console.get("/../built.json").status_code == 404
    assert console.get(f"/{STAMP}").status_code == 404


def test_deleted_files_are_told_with_what_to_run(built: Path, source: Path) -> None:
    (built / "index.html").unlink()
    answer = client(built, source).get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text


def test_files_made_from_other_sources_are_not_served(built: Path, source: Path) -> None:
    (source / "src" / "main.ts").write_text("console.log(2)", encoding="utf-8")
    assert client(built, source).get("/").status_code == 503


def test_what_the_build_makes_is_no_source(built: Path, source: Path) -> None:
    (source / "node_modules").mkdir()
    (source / "node_modules" / "x.js").write_text("", encoding="utf-8")
    assert lacking(built, source) is None


def test_package_without_sources_serves_what_it_carries(built: Path, tmp_path: Path) -> None:
    assert lacking(built, tmp_path / "nowhere") is None
