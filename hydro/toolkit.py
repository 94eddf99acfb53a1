"""The EPANET 2.3 toolkit by ctypes, on the library that the owa-epanet wheel carries.

Calls release the interpreter lock, so that a thread per core, each with a project of its own, scales; the wheel's own
binding holds it. The library is loaded by its full path, so another copy in the process (wntr's) does not matter.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
from functools import lru_cache
from pathlib import Path

import numpy as np

from hydro.errors import EngineError
from hydro.readings import Floats

CMS = 10
"""EPANET's code for flows in m³/s; all else is metric with it, diameters in mm."""
FRESH_FLOWS = 10
"""``initH`` flag: start every solve from the same flows, never from the last solution."""
WARNINGS = {
    1: "did not converge within the trials allowed",
    2: "may be unstable",
    3: "has parts cut off from every source",
    4: "has pumps beyond their curves",
    5: "has valves that cannot hold their settings",
    6: "has negative pressures",
}


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("epanet")
    if found is None or found.origin is None:
        raise EngineError("package owa-epanet is not installed, expected version 2.3.5")
    name = {"Windows": "epanet2.dll", "Darwin": "libepanet2.dylib"}.get(platform.system(), "libepanet2.so")
    return ctypes.CDLL(str(Path(found.origin).parent / name))


class Toolkit:
    """One EPANET project. Indices are EPANET's own, from 1."""

    def __init__(self) -> None:
        self._lib = _library()
        self._project = ctypes.c_void_p()
        self._lib.EN_createproject(ctypes.byref(self._project))
        self._open = False

    def open(self, inp: Path, report: Path) -> None:
        """Open a network file.

        Raises
        ------
        EngineError
            The file does not load; EPANET's own report says where.
        """
        # Closed even when it does not open: only then does EPANET finish writing its report.
        self._open = True
        self._call("EN_open", str(inp).encode(), str(report).encode(), b"")

    def close(self) -> None:
        """Give the project back; harmless twice."""
        if self._project:
            if self._open:
                self._lib.EN_close(self._project)
            self._lib.EN_deleteproject(self._project)
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
        values = np.empty(count)
        self._call(f"EN_{name}", prop, values.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
        return values

    def set(self, name: str, index: int, prop: int, value: float) -> None:
        """Set a property of one node (``setnodevalue``) or link (``setlinkvalue``)."""
        self._call(f"EN_{name}", index, prop, ctypes.c_double(value))

    def _call(self, name: str, *arguments: object) -> int:
        code: int = getattr(self._lib, name)(self._project, *arguments)
        if code > 100:
            text = ctypes.create_string_buffer(256)
            self._lib.EN_geterror(code, text, 255)
            raise EngineError(f"{name[3:]}: {text.value.decode(errors='replace')}")
        return code
