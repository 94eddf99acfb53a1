"""``python -m api.rights FILE``: write the table of who may do what, from the routes themselves."""

from __future__ import annotations

import sys
from pathlib import Path

from api.application import every_route, role_of
from models.user import Role

HEAD = """# Who may do what over HTTP

Written by `make openapi` from the routes themselves; `tests/api/test_rights.py` asks every route in every role, and for
things of another site. Whoever is not signed in gets 401, whoever may not 403, and what another site has is 404 here.

"""


def rights_text() -> str:
    """Return the table: a line for every method and path, a column for every role."""
    roles = [str(role) for role in Role]
    lines = [f"| | {' | '.join(['nobody', *roles])} |", "|---" * (len(roles) + 2) + "|"]
    for method, path, needed in rights():
        cells = ["yes" if needed is None else ""]
        cells += ["yes" if needed is None or role.may(needed) else "" for role in Role]
        lines.append(f"| `{method} {path}` | {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n"


def rights() -> list[tuple[str, str, Role | None]]:
    """Return (method, path, needed role) of every route."""
    found = [
        (method, route.path_format, role_of(route)) for route in every_route() for method in sorted(route.methods or ())
    ]
    return sorted(found, key=lambda one: (one[1], one[0]))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(rights_text(), encoding="utf-8")
