from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "field-traps.md").read_text(encoding="utf-8")


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_trap_names_a_test_that_is_there() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 17))
    for number, named in rows:
        shown = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", named)
        assert shown, f"trap {number} has no test"
        for path, name in shown:
            assert name in functions_of(ROOT / path), f"trap {number}: {path} has no {name}"
