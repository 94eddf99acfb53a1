"""Libraries whose behaviour changed between releases, or is worked around here, are pinned to the version tested."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest


@pytest.mark.parametrize("library", ["pymodbus", "asyncua", "influxdb-client", "owa-epanet", "wntr"])
def test_library_is_pinned_to_the_version_that_is_installed(library: str) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = {one.partition("==")[0].partition("[")[0]: one.partition("==")[2] for one in project["dependencies"]}
    assert pins[library] == version(library)
