"""Tag lists: from the export of a control system to rows of ``points.csv``, with nothing dropped in silence.

A tag list is a CSV with a header whose words are its own. Columns are known by the words that such exports use; an
element is the one id of the network that stands in a tag's own words; quantity and unit follow from the unit. What
cannot be told is left to a person, with the reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydro.network import JUNCTION, TANK, Network
from models.points_file import OPTIONAL, REQUIRED, is_modbus_address
from models.problem import BadInput, Problem
from models.quantity import FLOW_UNITS, UNITS, Quantity

COLUMNS = (*REQUIRED, *OPTIONAL)
HEADINGS = {
    "name": ("name", "tag", "tagname", "point", "pointname", "signal", "点名", "位号", "标签", "名称"),
    "element": ("element", "node", "link", "asset", "modelid", "元素", "节点", "管段"),
    "quantity": ("quantity", "measurement", "parameter", "measures", "量", "测量量", "参数"),
    "unit": ("unit", "units", "eu", "egu", "engunits", "engineeringunits", "uom", "单位"),
    "device": ("device", "plc", "rtu", "station", "source", "channel", "设备", "站"),
    "address": ("address", "register", "nodeid", "item", "itemid", "ioaddress", "地址", "寄存器"),
    "data_type": ("datatype", "type", "format", "数据类型"),
    "byte_order": ("byteorder", "wordorder", "字节序"),
    "scale": ("scale", "factor", "gain", "multiplier", "系数", "比例"),
    "offset": ("offset", "偏移"),
    "period_s": ("periods", "scanrates", "scans", "周期"),
    "valid_min": ("validmin", "min", "eulow", "rangelow", "low", "下限", "量程下限"),
    "valid_max": ("validmax", "max", "euhigh", "rangehigh", "high", "上限", "量程上限"),
    "description": ("description", "desc", "comment", "remark", "说明", "描述", "备注"),
}
"""Our column, and the headings that mean it: lower case, without blanks and signs."""
UNIT_WORDS = {
    "m3/h": ("m3/h", "m³/h", "m3/hr", "cmh", "cbm/h", "立方米/小时"),
    "m3/s": ("m3/s", "m³/s", "cms"),
    "l/s": ("l/s", "lps", "升/秒"),
    "Ml/d": ("ml/d", "mld"),
    "gpm": ("gpm",),
    "m3": ("m3", "m³", "立方米"),
    "kPa": ("kpa", "千帕"),
    "bar": ("bar", "barg"),
    "MPa": ("mpa", "兆帕"),
    "psi": ("psi", "psig"),
    "m": ("m", "mh2o", "mwc", "mwg", "米"),
    "": ("", "-", "bool", "state", "on/off", "状态"),
}
"""Our unit, and the words for it in exports."""
QUANTITY_WORDS = {
    Quantity.LEVEL: ("level", "液位", "水位"),
    Quantity.VOLUME: ("volume", "total", "累计", "水量"),
    Quantity.STATUS: ("status", "running", "runs", "open", "closed", "state", "状态", "运行", "开关"),
    Quantity.PRESSURE: ("pressure", "压力"),
    Quantity.FLOW: ("flow", "流量"),
}
DATA_TYPES = {
    "float": "float32",
    "real": "float32",
    "double": "float64",
    "int": "int16",
    "word": "uint16",
    "dint": "int32",
    "dword": "uint32",
    "bool": "bit",
    "boolean": "bit",
}
MODICON = {"4": "holding", "3": "input", "1": "discrete", "0": "coil"}
"""First digit of an address as Modicon wrote it: 40001 is the first holding register, 0 on the wire."""
DEVICE = "rtu-1"
"""The device of tags that name none."""
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a tag list: rows of ``points.csv``, and the tags that a person has to place, with reasons."""

    rows: tuple[Row, ...]
    left: tuple[Problem, ...]

    def devices(self) -> dict[str, str]:
        """Return the protocol of every device named, by how its points are addressed."""
        return {row["device"]: "modbus-tcp" if is_modbus_address(row["address"]) else "opcua" for row in self.rows}


def read_tags(path: Path, network: Network) -> Taken:
    """Return the points that a tag list tells of.

    Raises
    ------
    BadInput
        The file is no table, or has no column of names or of addresses.
    """
    header, lines = _table(path)
    missing = [name for name in ("name", "address") if name not in header]
    if missing:
        raise BadInput(
            [
                Problem(f"no column for the {name}, expected a heading such as {HEADINGS[name][1]}", str(path), 1)
                for name in missing
            ]
        )
    rows, left, seen = list[Row](), list[Problem](), dict[str, int]()
    for cells, line in lines:
        given = {name: cells[place].strip() for name, place in header.items() if place < len(cells)}
        row, reason = _row(given, network)
        if not reason and row["name"] in seen:
            reason = f"stands twice, first in line {seen[row['name']]}"
        if reason:
            left.append(Problem(f"tag {given.get('name') or '(no name)'}: {reason}", str(path), line))
            continue
        seen[row["name"]] = line
        rows.append(row)
    return Taken(tuple(rows), tuple(left))


def _table(path: Path) -> tuple[dict[str, int], list[tuple[list[str], int]]]:
    """Return where each column of ours stands, and the rows with their lines."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput.of(f"cannot be read: {error.strerror}", str(path)) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
    first = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=first.count))
    titles = [re.sub(r"[^\w]|_", "", title.lower()) for title in next(reader, [])]
    header = {
        name: titles.index(found)
        for name, words in HEADINGS.items()
        if (found := next((word for word in words if word in titles), None)) is not None
    }
    return header, [(cells, reader.line_num) for cells in reader if any(cell.strip() for cell in cells)]


def _row(given: Row, network: Network) -> tuple[dict[str, str], str]:
    """Return a row of ``points.csv``, and why a person has to look at it (nothing where none has)."""
    row = dict.fromkeys(COLUMNS, "") | {name: value for name, value in given.items() if name in COLUMNS}
    if not row["name"]:
        return row, "has no name"
    told = f"{given.get('name', '')} {given.get('description', '')}"
    row["address"], wrong = _address(row["address"])
    if wrong:
        return row, wrong
    row["element"], wrong = _element(row["element"], told, network)
    if wrong:
        return row, wrong
    unit = next((ours for ours, words in UNIT_WORDS.items() if row["unit"].lower().replace(" ", "") in words), None)
    if unit is None:
        return row, f'unit "{row["unit"]}" is not known'
    row["unit"] = unit
    row["quantity"], wrong = _quantity(row["quantity"].lower(), unit, told.lower(), row["element"], network)
    if wrong:
        return row, wrong
    kind = row["data_type"].lower()
    row["data_type"] = DATA_TYPES.get(kind, kind)
    row["device"] = row["device"] or DEVICE
    return row, ""


def _address(given: str) -> tuple[str, str]:
    """Return an address as we write it: Modicon's five or six digits count from one, ours from zero."""
    modicon = re.fullmatch(r"([0134])(\d{4,5})(\.\d{1,2})?", given)
    if modicon is not None and int(modicon[2]) > 0:
        return f"{MODICON[modicon[1]]}/{int(modicon[2]) - 1}{modicon[3] or ''}", ""
    if is_modbus_address(given) or re.search(r"(^|;)[isgb]=", given):
        return given, ""
    return given, f'address "{given}" is neither a register such as 40001 or holding/0 nor a NodeId such as ns=2;s=Flow'


def _element(given: str, told: str, network: Network) -> tuple[str, str]:
    """Return the element of a tag: as given, or the one id of the network among its words."""
    known = (*network.node_ids, *network.link_ids)
    if given:
        return given, "" if given in known else f'element "{given}" is not in the network'
    upper = told.upper()
    found = [one for one in known if re.search(rf"(?<![A-Z0-9]){re.escape(one.upper())}(?![A-Z0-9])", upper)]
    # An id within another id, such as J-1 in J-1-A, is not meant.
    found = [one for one in found if not any(one != other and one.upper() in other.upper() for other in found)]
    if len(found) == 1:
        return found[0], ""
    if found:
        return "", f"names several elements ({', '.join(found[:3])}), expected one in a column element"
    return "", "names no element of the network, expected one in a column element"


def _quantity(given: str, unit: str, told: str, element: str, network: Network) -> tuple[str, str]:
    """Return the quantity: as given, as the tag's words say, or as its unit and element leave no doubt."""
    fitting = [one for one in Quantity if unit in UNITS[one]]
    if given in [str(one) for one in Quantity]:
        return given, "" if Quantity(given) in fitting else f'unit "{unit}" does not fit the quantity {given}'
    place = network.node_index.get(element)
    kind = None if place is None else int(network.node_kind[place])
    said = next((one for one, words in QUANTITY_WORDS.items() if any(word in told for word in words)), None)
    if unit in FLOW_UNITS:
        return str(Quantity.DEMAND if kind == JUNCTION else Quantity.FLOW), ""
    if unit == "m" and kind == TANK:
        return str(Quantity.LEVEL), ""
    if said is not None and said in fitting:
        return str(said), ""
    certain = {"m3": Quantity.VOLUME, "": Quantity.STATUS}
    if unit in certain and (unit or kind is None):
        return str(certain[unit]), ""
    if unit and kind is not None:
        return str(Quantity.PRESSURE), ""
    return "", f'says neither what it measures nor does its unit "{unit}" at {element}, expected a column quantity'


def rows_text(taken: Taken) -> str:
    """Return the rows as text of ``points.csv``, and below them, as comments, the tags that were left."""
    lines = [",".join(cell(row[name]) for name in COLUMNS) for row in taken.rows]
    if taken.left:
        lines.append("# Tags that a person has to place:")
        lines += [f"# {problem}" for problem in taken.left]
    return "".join(f"{line}\n" for line in lines)


def devices_text(devices: Mapping[str, str]) -> str:
    """Return a table of ``site.toml`` for every device, at addresses that a person has to fill in."""
    return "".join(_device_text(name, protocol) for name, protocol in sorted(devices.items()))


def _device_text(name: str, protocol: str) -> str:
    where: Sequence[str] = ('host = "127.0.0.1"', "port = 502", "unit_id = 1")
    if protocol == "opcua":
        where = ('url = "opc.tcp://127.0.0.1:4840"',)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    lines = ["", "# Where does it answer?", "[[devices]]", f'name = "{quoted}"', f'protocol = "{protocol}"', *where]
    return "".join(f"{line}\n" for line in lines)


def cell(value: str) -> str:
    """Return a value as a cell of a CSV file, quoted where it has to be."""
    return '"' + value.replace('"', '""') + '"' if any(sign in value for sign in ',"\n') else value
