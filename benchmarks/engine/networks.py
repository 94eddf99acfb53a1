"""The networks at hand: the sample site's, those that the wntr package brings, and public ones beside the checkout."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
JIAOZHOU = ROOT / "sample_networks/jiaozhou"
TOWN = ROOT / "tests/simulator/town.inp"


def _networks() -> dict[str, Path]:
    found = {"jiaozhou": JIAOZHOU / "network.inp", "town": TOWN}
    wntr = find_spec("wntr")
    assert wntr is not None
    assert wntr.origin is not None
    library = Path(wntr.origin).parent / "library/networks"
    found |= {name: library / f"{name}.inp" for name in ("Net1", "Net2", "Net3", "Net6", "ky4", "ky10")}
    beside = Path(os.environ.get("HYDRO_NETWORKS", ROOT.parent / "shared/networks"))
    found |= {path.stem: path for path in sorted(beside.glob("*.inp"))}
    return found


NETWORKS = _networks()
"""Path of each network file by name. L-TOWN and C-TOWN are there where ``HYDRO_NETWORKS`` (or ../shared) has them."""
SMALL = {name: NETWORKS[name] for name in ("jiaozhou", "town", "Net1", "Net2", "Net3")}
