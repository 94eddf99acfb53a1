"""The process that looks at a network from outside: two files in, what differs out as JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from hydro.engine import Engine
from hydro.errors import NetworkError, SolveError
from hydro.network import Network

MOST_NAMED = 200
MOST_SECONDS = 60
MOST_MEMORY = 4 * 1024**3
"""What the reading of a file may take [s, bytes]."""
INVALID_STATUS = 3


def main() -> int:
    """Compare the network of the first file with that of the second; 3 when the first is none."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with Engine(Path(sys.argv[1]), workers=1) as theirs, Engine(Path(sys.argv[2]), workers=1) as ours:
            sys.stdout.write(json.dumps(_told(theirs, ours.network)))
    except NetworkError as error:
        sys.stderr.write(f"{error}\n")
        return INVALID_STATUS
    return 0


def _told(theirs: Engine, ours: Network) -> dict[str, Any]:
    network = theirs.network
    try:
        warnings = list(theirs.solve(theirs.default_conditions(0.0)).warnings)
        solves = True
    except SolveError as error:
        warnings, solves = [str(error)], False
    here, there = ({*one.node_ids, *one.link_ids} for one in (ours, network))
    return {
        "nodes": len(network.node_ids),
        "links": len(network.link_ids),
        "headloss_formula": network.headloss_formula,
        "duration_s": network.duration_s,
        "solves": solves,
        "warnings": warnings,
        "only_here": _some(sorted(here - there)),
        "only_there": _some(sorted(there - here)),
        "changed": _some(_changed(network, ours)),
    }


def _changed(theirs: Network, ours: Network) -> list[str]:
    """Return the links of both whose ends, length, diameter or roughness differ."""
    common = [link for link in ours.link_ids if link in theirs.link_index]
    mine = np.array([ours.link_index[link] for link in common], dtype=np.intp)
    other = np.array([theirs.link_index[link] for link in common], dtype=np.intp)
    differs = np.zeros(len(common), dtype=bool)
    for name in ("length", "diameter", "roughness"):
        differs |= ~np.isclose(getattr(ours, name)[mine], getattr(theirs, name)[other], rtol=1e-6)
    ends = [
        (ours.node_ids[ours.start[one]], ours.node_ids[ours.end[one]])
        != (theirs.node_ids[theirs.start[two]], theirs.node_ids[theirs.end[two]])
        for one, two in zip(mine, other, strict=True)
    ]
    return [link for link, changed in zip(common, differs | np.array(ends, dtype=bool), strict=True) if changed]


def _some(names: Sequence[str]) -> list[str]:
    return list(names[:MOST_NAMED])


if __name__ == "__main__":
    sys.exit(main())
