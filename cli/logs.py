"""Logs on standard error: for people a line each, for programs a line of JSON each."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

NOISY = ("asyncua", "pymodbus", "alembic")
"""Libraries that say at length what the house says once."""


def set_up(as_json: bool) -> None:
    """Let every log line go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    line = logging.Formatter("%(asctime)s %(name)s %(message)s")
    handler.setFormatter(JsonLines() if as_json else line)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """A record as one object: time, level, logger, message, and the fields that were given with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        said |= fields if isinstance(fields, dict) else {"message": record.getMessage()}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)
