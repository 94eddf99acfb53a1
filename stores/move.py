"""Moving a site from the embedded store to InfluxDB."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from models.problem import BadInput
from stores.embedded import EmbeddedStore
from stores.exchange import stored
from stores.influx import InfluxStore
from stores.telemetry import TooOld


def moved(source: EmbeddedStore, target: InfluxStore) -> Iterator[int]:
    """Copy all samples and old means; yield after each part how many samples there were.

    What was copied before overwrites itself, so that a move that was interrupted is begun again.
    """
    oldest, newest = source.oldest(), source.newest()
    if oldest is not None and newest is not None:
        for columns in stored(source, source.points(), oldest, newest + timedelta(microseconds=1)):
            try:
                target.write(columns)
            except TooOld as error:
                # They grow old while they are being moved: the server would forget them at once.
                yield len(columns) - len(error.samples)
            else:
                yield len(columns)
    for means in source.old_means():
        target.write_means(means)


def named_in_site_file(
    path: Path, url: str, org: str, bucket: str, token_env: str | None, token_file: str | None
) -> str:
    """Return the text of a ``site.toml`` with the server in place of the embedded store, all else as it was.

    Raises
    ------
    BadInput
        It has a table for a server already, or is written in a way that cannot be changed line by line.
    """
    text = path.read_text(encoding="utf-8-sig")
    if "influxdb" in tomllib.loads(text).get("stores", {}):
        raise BadInput.of("has a table stores.influxdb already; remove it, or set telemetry yourself", str(path))
    token = f'token = "${{{token_env}}}"' if token_env else f"token_file = {json.dumps(token_file)}"
    server = [f"{key} = {json.dumps(value)}" for key, value in (("url", url), ("org", org), ("bucket", bucket))]
    lines = [line for line in text.splitlines() if not re.match(r"\s*telemetry\s*=", line)]
    places = [place for place, line in enumerate(lines) if re.match(r"\s*\[stores\]", line)]
    if places:
        lines.insert(places[0] + 1, 'telemetry = "influxdb"')
    else:
        lines += ["", "[stores]", 'telemetry = "influxdb"']
    changed = "\n".join([*lines, "", "[stores.influxdb]", *server, token, ""])
    try:
        stores = tomllib.loads(changed)["stores"]
    except (tomllib.TOMLDecodeError, KeyError):
        stores = {}
    if stores.get("telemetry") != "influxdb" or stores.get("influxdb", {}).get("url") != url:
        raise BadInput.of("cannot be changed line by line: name the server in it yourself", str(path))
    return changed
