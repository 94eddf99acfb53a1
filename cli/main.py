"""``hydro``: one command line; each command is a module that is imported when it is asked for.

Exit status: 0 done; 1 an expectation did not hold; 2 wrong usage; 3 bad input; 4 the network does not solve or cannot
carry the question; 5 a device, store or port is not there; 130 interrupted. ``HYDRO_DEBUG=1`` shows tracebacks.
"""

from __future__ import annotations

import argparse
import keyword
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

# The arrays here are small: threads inside a matrix product cost more than they bring, and solves have their own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from models.problem import BadInput, Damaged, HydroInputError, Unavailable

COMMANDS = {
    "init": "make a site from an EPANET network",
    "check": "report everything that is wrong with a site",
    "read": "read every point of a site once",
    "collect": "poll the devices of a site into its store",
    "browse": "list the variables of an OPC UA server",
    "scan": "look which units and registers one Modbus host has",
    "serve": "run a site: collect, compare with the model, diagnose, alarm, answer over HTTP",
    "user": "add, list and change the people who may sign in",
    "simulate": "play an episode at the plant of a sample site",
    "demo": "play the documented case from fault to cure",
    "diagnose": "explain the readings of a window",
    "whatif": "compare a network before and after changes",
    "sizing": "rank mains by what their thinness costs customers",
    "calibrate": "learn a baseline from a window held to be healthy",
    "complain": "take down a customer's complaint",
    "measure": "enter a crew's reading",
    "order": "list, dispatch and close work orders",
    "alarms": "list, acknowledge and shelve alarms",
    "import": "bring samples from CSV or Parquet files into a site's store",
    "export": "write samples of a site's store into a CSV or Parquet file",
    "move": "move a site from the embedded store to InfluxDB",
    "store": "say what a site's store and spool hold; prepare InfluxDB for it",
    "map": "draw the map of a site, with the causes of a diagnosis",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        return _run(_parsed(list(sys.argv[1:] if argv is None else argv)))
    except KeyboardInterrupt:
        return 130


def _parsed(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hydro", description="Explains a low pressure.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = next((word for word in given if word in COMMANDS), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == wanted:
            _module(name).add_arguments(command)
    return parser.parse_args(given)


def _module(command: str) -> ModuleType:
    """Return the module of a command; one that is a word of Python's own has an underscore more."""
    return import_module(f"cli.{command}{'_' if keyword.iskeyword(command) else ''}")


def _run(args: argparse.Namespace) -> int:
    try:
        status: int = _module(args.command).run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as raised:
        error = _innermost(raised)
        if os.environ.get("HYDRO_DEBUG"):
            raise
        known = _status(error)
        message = _words(error) if known is not None else f"unexpected {type(error).__name__}: {error}"
        print(message, file=sys.stderr)  # noqa: T201
        return 1 if known is None else known


def _innermost(error: Exception) -> Exception:
    """Return the first error inside groups of them: tasks that end together are told of as one."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _status(error: Exception) -> int | None:
    """Return the exit status of an error that a user can mend, None for one of ours."""
    if isinstance(
        error, FileNotFoundError | NotADirectoryError | IsADirectoryError | FileExistsError | PermissionError
    ):
        return 3
    if isinstance(error, OSError):
        return 5
    if isinstance(error, BadInput | Damaged):
        return 3
    if isinstance(error, Unavailable):
        return 5
    if isinstance(error, HydroInputError):
        return 4
    # Looked up by name: importing the hydraulics costs an edge box what it does not have.
    status = {"NetworkError": 3, "SolveError": 4, "InputError": 3}
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "hydro.errors"]
    return next((status[name] for name in names if name in status), None)


if __name__ == "__main__":
    sys.exit(main())
