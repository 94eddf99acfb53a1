"""The baseline on disk: one compressed file of arrays with a header in JSON, written whole or not at all."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path

import numpy as np

from hydro.baseline import Baseline
from hydro.departures import Departures, Swing
from models.problem import BadInput
from models.whole_file import write_whole

VERSION = 2
_DEPARTED = ("deviation", "mean", "learnt")


def save_baseline(baseline: Baseline, path: Path) -> None:
    """Write the baseline, or leave the old one."""
    departures = baseline.departures
    header = {
        "version": VERSION,
        "points": list(baseline.points),
        "temper": baseline.temper,
        "steps": baseline.steps,
        "nodes": departures.nodes,
        "zones": departures.zones,
        "links": departures.links,
        "departed_points": list(departures.points),
    }
    arrays = {name: getattr(departures, name) for name in _DEPARTED}
    arrays |= {"swing_node": baseline.swing.node, "swing_zones": np.array([baseline.swing.zone, baseline.swing.drift])}
    arrays |= {name: getattr(baseline, name) for name in ("hourly", "excess", "bias", "scatter")}
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = BytesIO()
    np.savez_compressed(packed, header=np.array(json.dumps(header)), **arrays)
    write_whole(path, packed.getvalue())


def load_baseline(path: Path) -> Baseline:
    """Return the baseline of a file.

    Raises
    ------
    BadInput
        The file is no baseline, or of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            header = json.loads(str(stored["header"]))
            arrays = {name: stored[name] for name in stored.files if name != "header"}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput.of(f"is no baseline that hydro calibrate wrote: {error}", str(path)) from error
    if header["version"] != VERSION:
        raise BadInput.of(f"baseline of version {header['version']}, expected {VERSION}: calibrate again", str(path))
    departures = Departures(
        **{name: arrays[name] for name in _DEPARTED},
        nodes=header["nodes"],
        zones=header["zones"],
        links=header["links"],
        points=tuple(header["departed_points"]),
    )
    known = {field.name for field in fields(Baseline)}
    return Baseline(
        departures=departures,
        points=tuple(header["points"]),
        temper=header["temper"],
        steps=header["steps"],
        swing=Swing(arrays["swing_node"], *arrays["swing_zones"].tolist()),
        **{name: array for name, array in arrays.items() if name in known},
    )
