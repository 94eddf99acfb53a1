"""Play an episode at a site: scene, servers, control port, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from models.site import Site
from simulator.control import Control
from simulator.field import build_field
from simulator.plant import STEP_S, Plant
from simulator.scene import set_scene


@dataclass(frozen=True, slots=True)
class Play:
    """What to play and how fast; ``None`` leaves it to the plant's files, control port 0 is any free one."""

    episode: str = "documented"
    speed: float = 60.0
    seed: int | None = None
    fault_link: str | None = None
    control_port: int = 0
    step_s: int = STEP_S


async def play(site: Site, what: Play, ready: Callable[[int, datetime], None], stop: asyncio.Event) -> None:
    """Run the plant until ``stop`` is set or the control port says so.

    ``ready`` is called once with the control port and the plant's time, when everything listens.

    Raises
    ------
    BadInput
        The site's or the plant's files are wrong.
    NotSolvable
        The truth does not solve, or the fault link is no case.
    Unavailable
        A port is in use.
    """
    servers = build_field(site)
    with set_scene(site, what.episode, what.seed, what.fault_link) as scene:
        plant = Plant(scene, servers, what.speed, what.step_s)
        control = Control(plant, stop)
        try:
            port = await control.open(what.control_port)
            await plant.open()
            ready(port, plant.time)
            await _until(stop, plant)
        finally:
            await control.close()
            await plant.close()


async def _until(stop: asyncio.Event, plant: Plant) -> None:
    running, stopping = asyncio.create_task(plant.run()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.gather(running, stopping, return_exceptions=True)
