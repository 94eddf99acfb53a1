"""``python -m api.openapi FILE``: write the OpenAPI document, from which the console's types are made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fastapi import FastAPI

from api.application import DESCRIPTION, describe_routes
from api.context import VERSION


def openapi_text() -> str:
    """Return the OpenAPI document as text, the same for the same code."""
    app = FastAPI(title="Hydro", version=VERSION, description=DESCRIPTION)
    describe_routes(app)
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_text(), encoding="utf-8")
