"""The devices of ``site.toml``: one ``[[devices]]`` table each."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, cast, get_args

from models.fields import Fields, duplicates
from models.points_file import is_modbus_address
from models.site import BlockSettings, Device, Policy, Protocol, SecuritySettings, SerialSettings, SubscriptionSettings

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
LONGEST_S = 3600.0
"""The longest time in which a device may answer or tell."""
_SECRET = re.compile(r"\$\{(\w+)\}")


def read_devices(top: Fields, values: dict[str, Any], text: str, folder: Path) -> tuple[Device, ...]:
    """Return the devices of a file whose text is at hand for its line numbers; what is wrong is noted."""
    starts = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == "[[devices]]"]
    devices = []
    tables = values.get("devices", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        top.note("devices is no list of tables, expected [[devices]]", "devices")
        return ()
    for place, table in enumerate(tables):
        line = starts[place] if place < len(starts) else 0
        name = str(table.get("name", "")).strip()
        row = Fields(table, top.file, line, f"device {name}".strip(), top.problems, lines_of(text, line))
        devices.append(_device(row, line, folder))
    top.problems.extend(duplicates([(device.name, device.line) for device in devices], "device", top.file))
    return tuple(devices)


def lines_of(text: str, after: int = 0) -> dict[str, int]:
    """Return the first line, after a line, at which each key is set."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = re.match(r"\s*([\w-]+)\s*=", line)
        if found and number > after:
            lines.setdefault(found.group(1), number)
    return lines


def secret(row: Fields, key: str, folder: Path, required: bool = False) -> str:
    """Return a secret from ``${ENV}`` or, as ``key_file``, from a file; one in plain text is a problem."""
    file = row.text(f"{key}_file")
    if file:
        try:
            return (folder / file).read_text(encoding="utf-8").strip()
        except OSError as error:
            row.note(f"{key}_file {file} cannot be read: {error.strerror}", f"{key}_file")
            return ""
    value = row.text(key, required=required)
    if not value:
        return ""
    found = _SECRET.fullmatch(value)
    if found is None:
        row.note(f"{key} stands in plain text, expected ${{NAME}} of an environment variable or {key}_file", key)
        return ""
    if found.group(1) not in os.environ:
        row.note(f"environment variable {found.group(1)} is not set, expected the {key} in it", key)
    return os.environ.get(found.group(1), "")


def _device(row: Fields, line: int, folder: Path) -> Device:
    protocol = cast(Protocol, row.choice("protocol", get_args(Protocol), "modbus-tcp", required=True))
    url = row.text("url", required=protocol == "opcua")
    if url and not url.startswith("opc.tcp://"):
        row.note(f'url "{url}", expected one that begins with opc.tcp://', "url")
    reading = row.choice("reading", ("poll", "subscribe"), "poll")
    if reading == "subscribe" and protocol != "opcua":
        row.note(f"reading subscribe, but {protocol} only answers, expected poll", "reading")
    device = Device(
        name=row.text("name", required=True),
        protocol=protocol,
        host=row.text("host", "127.0.0.1"),
        port=row.whole("port", 802 if protocol == "modbus-tls" else 502, 1, 65535),
        unit_id=row.whole("unit_id", 1, 0, 255),
        url=url,
        timeout_s=row.positive("timeout_s", 2.0, LONGEST_S),
        clock_address=row.text("clock_address"),
        username=row.text("username"),
        password=secret(row, "password", folder),
        serial=_serial(row, protocol),
        security=_security(row, protocol, folder),
        blocks=BlockSettings(
            most=row.whole("max_registers", 125, 1, 125),
            gap=row.whole("max_gap", 8, 0, 124),
            pause_s=row.number("pause_s", 0.0, low=0.0, high=60.0) or 0.0,
        ),
        reading="subscribe" if reading == "subscribe" else "poll",
        subscription=SubscriptionSettings(
            publish_s=row.positive("publish_s", 1.0, LONGEST_S),
            sampling_s=row.number("sampling_s", 0.0, low=0.0, high=LONGEST_S) or 0.0,
            queue=row.whole("queue", 100, 1, 100_000),
        ),
        line=line,
    )
    if device.clock_address and not is_modbus_address(device.clock_address):
        row.note(f'clock_address "{device.clock_address}", expected four registers such as holding/0', "clock_address")
    row.rest()
    return device


def _serial(row: Fields, protocol: Protocol) -> SerialSettings:
    port = row.text("serial_port", required=protocol == "modbus-rtu")
    parity = row.choice("parity", ("none", "even", "odd"), "even")
    baud = row.whole("baud", 9600, min(BAUDS), max(BAUDS))
    if baud not in BAUDS:
        row.note(f"baud {baud}, expected one of {', '.join(map(str, BAUDS))}", "baud")
    return SerialSettings(port, baud, cast(Literal["none", "even", "odd"], parity), row.whole("stop_bits", 1, 1, 2))


def _security(row: Fields, protocol: Protocol, folder: Path) -> SecuritySettings:
    policy = cast(Policy, row.choice("security", get_args(Policy), "None"))
    mode = row.choice("security_mode", ("sign", "sign_and_encrypt"), "sign_and_encrypt")
    keys = ("certificate_file", "key_file", "trusted_folder", "user_certificate_file", "user_key_file")
    paths = {key: _path(row, key, folder) for key in keys}
    needed = {"certificate_file", "key_file", "trusted_folder"} if policy != "None" else set()
    if protocol == "modbus-tls":
        needed.add("trusted_folder")
    for one, other in (("certificate_file", "key_file"), ("user_certificate_file", "user_key_file")):
        if bool(paths[one]) != bool(paths[other]):
            needed |= {one, other}
    for key in sorted(needed):
        if paths[key] is None:
            why = f"security {policy}" if policy != "None" else protocol
            row.note(f"{key} is missing, expected the path of one for {why}", key)
    return SecuritySettings(
        policy,
        "sign" if mode == "sign" else "sign_and_encrypt",
        paths["certificate_file"],
        paths["key_file"],
        paths["trusted_folder"],
        paths["user_certificate_file"],
        paths["user_key_file"],
    )


def _path(row: Fields, key: str, folder: Path) -> Path | None:
    text = row.text(key)
    if not text:
        return None
    path = folder / text
    there = path.is_dir() if key.endswith("folder") else path.is_file()
    if not there:
        row.note(f'{key} "{text}" is not there, expected a {"folder" if key.endswith("folder") else "file"}', key)
    return path
