"""The EPANET 2.3 toolkit by ctypes, on the library that the owa-epanet wheel carries.

What takes long releases the interpreter lock, so that a thread per core, each with a project of its own, scales; the
wheel's own binding holds it. The library is loaded by its full path, so another copy in the process (wntr's) does not
matter.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NoReturn

import numpy as np

from hydro.errors import EngineError
from hydro.readings import Floats

FRESH_FLOWS, LAST_FLOWS = 10, 0
"""``initH`` flags: start a solve from the same flows as every other one, or from those of the last solution."""
WARNINGS = {
    1: "did not converge within the trials allowed",
    2: "may be unstable",
    3: "has parts cut off from every source",
    4: "has pumps beyond their curves",
    5: "has valves that cannot hold their settings",
    6: "has negative pressures",
}


class Count(IntEnum):
    """What ``getcount`` counts."""

    NODES = 0
    LINKS = 2
    PATTERNS = 3
    CONTROLS = 5
    RULES = 6


class NodeValue(IntEnum):
    """EPANET's codes of a node's properties."""

    ELEVATION = 0
    BASE_DEMAND = 1
    PATTERN = 2
    EMITTER = 3
    TANK_LEVEL = 8
    HEAD = 10
    LEAST_LEVEL = 20
    GREATEST_LEVEL = 21
    EMITTER_FLOW = 29
    LEAKAGE_FLOW = 30
    DELIVERED = 31


class LinkValue(IntEnum):
    """EPANET's codes of a link's properties."""

    DIAMETER = 0
    LENGTH = 1
    ROUGHNESS = 2
    MINOR_LOSS = 3
    INITIAL_STATUS = 4
    INITIAL_SETTING = 5
    FLOW = 8
    VELOCITY = 9
    STATUS = 11
    SETTING = 12
    PATTERN = 15
    POWER = 18
    GPV_CURVE = 24
    PCV_CURVE = 25


class Option(IntEnum):
    """EPANET's codes of options."""

    TRIALS = 0
    ACCURACY = 1
    EMITTER_EXPONENT = 3
    DEMAND_MULTIPLIER = 4
    HEADLOSS_FORMULA = 7
    SPECIFIC_GRAVITY = 12
    VISCOSITY = 13
    UNBALANCED = 14
    DEMAND_PATTERN = 23
    PRESSURE_UNITS = 25


class Time(IntEnum):
    """EPANET's codes of times [s]."""

    DURATION = 0
    HYDRAULIC_STEP = 1
    PATTERN_STEP = 3
    PATTERN_START = 4
    REPORT_STEP = 5
    START_CLOCKTIME = 10
    NOW = 11


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does to a link (index from 0): ``place`` among its actions, which are ``otherwise`` ones or not."""

    place: int
    otherwise: bool
    link: int
    status: int
    setting: float


SLOW = frozenset({"EN_open", "EN_openH", "EN_initH", "EN_runH", "EN_nextH", "EN_closeH", "EN_saveinpfile", "EN_close"})
"""Calls worth giving the interpreter lock away for; to fetch it back after each of a thousand short ones costs more."""
_READING = Lock()
"""Held while a file is read: EPANET cuts lines by ``strtok``, whose place in the line is one for all threads. Of two
that are read at once either may have errors (200), or miss what its lines say."""


@lru_cache(maxsize=2)
def _library(loaded_by: type[ctypes.CDLL]) -> ctypes.CDLL:
    found = importlib.util.find_spec("epanet")
    if found is None or found.origin is None:
        raise EngineError("package owa-epanet is not installed, expected version 2.3.5")
    name = {"Windows": "epanet2.dll", "Darwin": "libepanet2.dylib"}.get(platform.system(), "libepanet2.so")
    return loaded_by(str(Path(found.origin).parent / name))


class Toolkit:
    """One EPANET project. Indices are EPANET's own, from 1."""

    def __init__(self) -> None:
        self._slow, self._quick = _library(ctypes.CDLL), _library(ctypes.PyDLL)
        self._project = ctypes.c_void_p()
        self._quick.EN_createproject(ctypes.byref(self._project))
        self._open = False
        self._room: dict[int, tuple[Floats, ctypes.c_void_p]] = {}

    def open(self, inp: Path, report: Path) -> None:
        """Open a network file.

        Raises
        ------
        EngineError
            The file does not load; EPANET's own report says where.
        """
        # Closed even when it does not open: only then does EPANET finish writing its report.
        self._open = True
        with _READING:
            self._call("EN_open", str(inp).encode(), str(report).encode(), b"")

    def close(self) -> None:
        """Give the project back; harmless twice."""
        if self._project:
            if self._open:
                self._quick.EN_close(self._project)
            self._quick.EN_deleteproject(self._project)
            self._project = ctypes.c_void_p()

    def call(self, name: str, *arguments: object) -> int:
        """Call ``EN_name``; return 0 or a warning's code (1 to 6)."""
        return self._call(f"EN_{name}", *arguments)

    def integer(self, name: str, *arguments: object) -> int:
        """Return the integer that ``EN_name`` gives last."""
        value = ctypes.c_int()
        self._call(f"EN_{name}", *arguments, ctypes.byref(value))
        return value.value

    def long(self, name: str, *arguments: object) -> int:
        """Return the long integer that ``EN_name`` gives last."""
        value = ctypes.c_long()
        self._call(f"EN_{name}", *arguments, ctypes.byref(value))
        return value.value

    def number(self, name: str, *arguments: object) -> float:
        """Return the number that ``EN_name`` gives last."""
        value = ctypes.c_double()
        self._call(f"EN_{name}", *arguments, ctypes.byref(value))
        return value.value

    def option(self, option: Option) -> float:
        """Return an option's value."""
        return self.number("getoption", option)

    def set_option(self, option: Option, value: float) -> None:
        """Set an option."""
        self._call("EN_setoption", option, ctypes.c_double(value))

    def time(self, which: Time) -> int:
        """Return a time [s]."""
        return self.long("gettimeparam", which)

    def set_time(self, which: Time, seconds: int) -> None:
        """Set a time [s]."""
        self._call("EN_settimeparam", which, ctypes.c_long(seconds))

    def demand_model(self) -> tuple[bool, float, float, float]:
        """Return whether demand follows pressure, and minimum and required pressure and exponent (file's units)."""
        model = ctypes.c_int()
        law = [ctypes.c_double() for _ in range(3)]
        self._call("EN_getdemandmodel", ctypes.byref(model), *(ctypes.byref(one) for one in law))
        return model.value == 1, law[0].value, law[1].value, law[2].value

    def set_demand_model(self, minimum: float, required: float, exponent: float) -> None:
        """Let demand follow pressure (file's units)."""
        self._call("EN_setdemandmodel", 1, *(ctypes.c_double(one) for one in (minimum, required, exponent)))

    def add_demand(self, node: int) -> None:
        """Give a junction a demand of nought, without a pattern."""
        self._call("EN_adddemand", node, ctypes.c_double(0.0), b"", b"")

    def base_demand(self, node: int, category: int) -> float:
        """Return the base demand of a category of a junction (file's unit)."""
        return self.number("getbasedemand", node, category)

    def set_base_demand(self, node: int, category: int, value: float) -> None:
        """Set the base demand of a category of a junction (file's unit)."""
        self._call("EN_setbasedemand", node, category, ctypes.c_double(value))

    def control_link(self, control: int) -> int:
        """Return the link that a simple control acts on."""
        kind, link, node = (ctypes.c_int() for _ in range(3))
        setting, level = ctypes.c_double(), ctypes.c_double()
        self._call("EN_getcontrol", control, *(ctypes.byref(one) for one in (kind, link, setting, node, level)))
        return link.value

    def actions(self, rule: int) -> list[Action]:
        """Return what a rule does."""
        _, then, otherwise = (ctypes.c_int() for _ in range(3))
        priority = ctypes.c_double()
        self._call("EN_getrule", rule, *(ctypes.byref(one) for one in (_, then, otherwise, priority)))
        found = []
        for name, count in (("then", then.value), ("else", otherwise.value)):
            for place in range(1, count + 1):
                link, status, setting = ctypes.c_int(), ctypes.c_int(), ctypes.c_double()
                self._call(f"EN_get{name}action", rule, place, *(ctypes.byref(one) for one in (link, status, setting)))
                found.append(Action(place, name == "else", link.value - 1, status.value, setting.value))
        return found

    def set_action(self, rule: int, action: Action) -> None:
        """Set what a rule does to a link."""
        name = "EN_setelseaction" if action.otherwise else "EN_setthenaction"
        self._call(name, rule, action.place, action.link + 1, action.status, ctypes.c_double(action.setting))

    def set_link_type(self, link: int, kind: int) -> None:
        """Make a link one of another kind."""
        self._call("EN_setlinktype", ctypes.byref(ctypes.c_int(link)), kind, 0)

    def run(self) -> int:
        """Solve the present instant; return 0 or a warning's code."""
        clock = ctypes.c_long()
        return self._call("EN_runH", ctypes.byref(clock))

    def text(self, name: str, *arguments: object) -> str:
        """Return the text that ``EN_name`` gives last."""
        value = ctypes.create_string_buffer(256)
        self._call(f"EN_{name}", *arguments, value)
        return value.value.decode("utf-8", errors="replace")

    def integers(self, name: str, count: int, *arguments: object) -> list[int]:
        """Return the ``count`` integers that ``EN_name`` gives."""
        values = [ctypes.c_int() for _ in range(count)]
        self._call(f"EN_{name}", *arguments, *(ctypes.byref(value) for value in values))
        return [value.value for value in values]

    def numbers(self, name: str, count: int, *arguments: object) -> list[float]:
        """Return the ``count`` numbers that ``EN_name`` gives."""
        values = [ctypes.c_double() for _ in range(count)]
        self._call(f"EN_{name}", *arguments, *(ctypes.byref(value) for value in values))
        return [value.value for value in values]

    def array(self, name: str, prop: int, count: int) -> Floats:
        """Return the values of a property of all nodes (``getnodevalues``) or links (``getlinkvalues``)."""
        if count not in self._room:
            room = np.empty(count)
            self._room[count] = room, ctypes.c_void_p(room.ctypes.data)
        values, address = self._room[count]
        self._call(f"EN_{name}", prop, address)
        return values.copy()

    def set(self, name: str, index: int, prop: int, value: float) -> None:
        """Set a property of one node (``setnodevalue``) or link (``setlinkvalue``)."""
        self._call(f"EN_{name}", index, prop, ctypes.c_double(value))

    def set_many(self, name: str, indices: Sequence[int], prop: int, values: Sequence[float]) -> None:
        """Set a property of many nodes (``setnodevalue``) or links: what each step of a day changes, most of all."""
        function, project, code = getattr(self._quick, f"EN_{name}"), self._project, int(prop)
        for index, value in zip(indices, map(ctypes.c_double, values), strict=True):
            failed = function(project, index, code, value)
            if failed > 100:
                self._refuse(name, failed)

    def _call(self, name: str, *arguments: object) -> int:
        library = self._slow if name in SLOW else self._quick
        code: int = getattr(library, name)(self._project, *arguments)
        if code > 100:
            self._refuse(name[3:], code)
        return code

    def _refuse(self, name: str, code: int) -> NoReturn:
        text = ctypes.create_string_buffer(256)
        self._quick.EN_geterror(code, text, 255)
        raise EngineError(f"{name}: {text.value.decode(errors='replace')}")
