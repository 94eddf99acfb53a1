"""``hydro demo``: the documented case, from a healthy morning to a cure that is verified.

With a console by default: the visitor finds the cause and sends the crew. ``--headless`` tells it in the terminal.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import tempfile
from pathlib import Path

from cli.simulate import speed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--headless", action="store_true", help="tell the story in the terminal, without a console")
    parser.add_argument("--no-browser", action="store_true", help="print the console's address, open nothing")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of demands and gauges")
    parser.add_argument("--fault-link", metavar="LINK", help="block another main than the documented one")
    parser.add_argument("--speed", type=speed, default=600.0, metavar="N", help="plant seconds a wall second (600)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the site, its stores and logs there")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Play; return 0 when every step happened, 1 when one did not. SIGTERM ends it as Ctrl-C does."""
    import sample_networks
    from cli.stage import Casting, StageError, set_stage
    from cli.story import play
    from cli.telling import Teller
    from cli.visit import receive
    from models.problem import BadInput

    logging.getLogger().addHandler(logging.NullHandler())
    # Plant and service have sessions of their own: whatever ends the demo must reach the hands that end them.
    for told in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(told) is not signal.SIG_IGN:
            signal.signal(told, signal.default_int_handler)
    sample = Path(sample_networks.__file__).parent / "jiaozhou"
    casting = Casting(sample, "documented", args.speed, args.seed, args.fault_link)
    if args.keep is not None and args.keep.exists() and any(args.keep.iterdir()):
        raise BadInput.of("is not empty, expected a new folder", str(args.keep))
    teller = Teller(sys.stderr if args.json else sys.stdout)
    with tempfile.TemporaryDirectory(prefix="hydro-demo-") as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with set_stage(casting, folder) as stage:
                steps = (
                    play(stage, casting, teller)
                    if args.headless or args.json
                    else receive(stage, casting, teller, browser=not args.no_browser)
                )
        except StageError as error:
            sys.stderr.write(f"{error}\n")
            return error.status if error.status in (3, 4, 5) else 5
    ok = all(step["ok"] for step in steps)
    if args.json:
        sys.stdout.write(json.dumps({"steps": steps, "ok": ok}) + "\n")
    return 0 if ok else 1
