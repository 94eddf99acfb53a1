"""The control port: how a crew acts at the plant. One JSON object a line, one answer a line; it never tells the truth.

Requests: ``time``, ``pace``, ``event``, ``measure``, ``complaints``, ``shutdown``; see ``docs/reference/plant.md``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from statistics import fmean
from typing import Any

from models.problem import Unavailable
from models.quantity import Quantity
from simulator.events import read_event
from simulator.plant import Plant

HOST = "127.0.0.1"
_LONGEST_MEASURE_MIN = 7 * 24 * 60


class Control:
    """The server of the control port."""

    def __init__(self, plant: Plant, shutdown: asyncio.Event) -> None:
        self._plant = plant
        self._shutdown = shutdown
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self, port: int) -> int:
        """Listen on ``port`` of the loopback (0: any free one) and return the port.

        Raises
        ------
        Unavailable
            The port is in use.
        """
        try:
            self._server = await asyncio.start_server(self._talk, HOST, port)
        except OSError as error:
            raise Unavailable(f"control port {port} of {HOST} is in use or not ours") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, lines: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        if talk is not None:
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)
        try:
            while line := await lines.readline():
                answer = await self._answer(line)
                answers.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await answers.drain()
                if answer.get("stopping"):
                    self._shutdown.set()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            # The other side went away or sent a line longer than any request, or we hang up; asyncio's own callback
            # would print a cancellation that reached it.
            pass
        finally:
            answers.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError as error:
            return _refused(f"not JSON: {error}")
        if not isinstance(request, dict):
            return _refused('expected an object such as {"do": "time"}')
        try:
            match request.get("do"):
                case "time":
                    return self._time()
                case "pace":
                    return self._pace(request.get("speed"))
                case "event":
                    return self._event(request.get("event"))
                case "measure":
                    return await self._measure(request)
                case "complaints":
                    return {"ok": True, "complaints": [_plain(asdict(entry)) for entry in self._plant.complaints]}
                case "shutdown":
                    return {"ok": True, "stopping": True}
                case other:
                    return _refused(f"do {other!r}, expected time, pace, event, measure, complaints or shutdown")
        except ValueError as error:
            return _refused(str(error))

    def _time(self) -> dict[str, Any]:
        return {"ok": True, "plant_time": self._plant.time.isoformat(), "lag_s": round(self._plant.lag_s, 3)}

    def _pace(self, speed: object) -> dict[str, Any]:
        if isinstance(speed, bool) or not isinstance(speed, int | float):
            return _refused(f"speed {speed!r}, expected plant seconds a wall second")
        self._plant.pace(speed)
        return self._time()

    def _event(self, table: object) -> dict[str, Any]:
        if not isinstance(table, dict):
            return _refused('no event, expected {"do": "event", "event": {"kind": …}}')
        event, problems = read_event(table, self._plant.time)
        if event is None:
            return _refused("; ".join(str(problem) for problem in problems))
        self._plant.happen(event)
        return {"ok": True, "plant_time": event.at.isoformat()}

    async def _measure(self, request: Mapping[str, Any]) -> dict[str, Any]:
        node, link, minutes = request.get("node", ""), request.get("link") or "", request.get("minutes", 10)
        quantity = request.get("quantity", "pressure")
        if not isinstance(node, str) or not isinstance(link, str) or not (node or link):
            return _refused("no node given to measure at")
        if quantity not in (Quantity.PRESSURE, Quantity.FLOW):
            return _refused(f"quantity {quantity!r}, expected pressure or flow")
        if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes <= _LONGEST_MEASURE_MIN:
            return _refused(f"minutes {minutes!r}, expected more than 0 and at most {_LONGEST_MEASURE_MIN}")
        readings = await self._plant.measure(node, Quantity(quantity), minutes, link)
        return {
            "ok": True,
            "readings": [_plain(asdict(reading)) for reading in readings],
            "mean": fmean(reading.value for reading in readings),
            "unit": readings[0].unit,
        }


def _refused(why: str) -> dict[str, Any]:
    return {"ok": False, "error": why}


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in entry.items()}
