"""A large network out of copies of one: as many side by side as it takes, neighbours joined by a main.

``python -m benchmarks.engine.tiles NETWORK.inp COPIES OUT.inp``. Text in, text out: every id gets its copy's number.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

_IDS = {
    "JUNCTIONS": (0, 3), "RESERVOIRS": (0, 2), "TANKS": (0,), "PIPES": (0, 1, 2), "PUMPS": (0, 1, 2),
    "VALVES": (0, 1, 2), "DEMANDS": (0, 2), "STATUS": (0,), "PATTERNS": (0,), "CURVES": (0,), "EMITTERS": (0,),
    "COORDINATES": (0,), "CONTROLS": (),
}  # fmt: skip
"""Which words of a section's lines are ids; a section that is not here is taken from the first copy alone."""
_ONCE = ("OPTIONS", "TIMES", "TITLE")
_WORDS_BEFORE_ID = {"LINK", "NODE", "PIPE", "PUMP", "VALVE", "JUNCTION", "TANK", "RESERVOIR", "HEAD", "PATTERN"}


def tile(text: str, copies: int, joints: int = 3) -> str:
    """Return the network file of ``copies`` copies, each joined to the next by so many mains."""
    sections = dict(_sections(text))
    nodes = [line.split()[0] for line in sections["JUNCTIONS"]]
    chosen = [nodes[(2 * one + 1) * len(nodes) // (2 * joints)] for one in range(joints)]
    lines: list[str] = []
    for name, body in sections.items():
        if name in _ONCE:
            lines += [f"[{name}]", *body, ""]
        elif name in _IDS:
            lines.append(f"[{name}]")
            for copy in range(copies):
                lines += [_renamed(line, name, copy) for line in body]
            if name == "PIPES":
                lines += [
                    f"joint-{copy}-{node} {copy}-{node} {copy + 1}-{node} 1000 300 120 0 Open"
                    for copy in range(copies - 1)
                    for node in chosen
                ]
            lines.append("")
    return "\n".join([*lines, "[END]", ""])


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    name, body = "", list[str]()
    for line in text.splitlines():
        line = line.split(";")[0].rstrip()
        if line.startswith("["):
            if name:
                yield name, body
            name, body = line.strip("[] ").upper(), []
        elif line.strip():
            body.append(line)
    if name:
        yield name, body


def _renamed(line: str, section: str, copy: int) -> str:
    words = line.split()
    for place in _IDS[section]:
        if place < len(words):
            words[place] = f"{copy}-{words[place]}"
    if section in ("CONTROLS", "PUMPS"):
        for place, word in enumerate(words[:-1]):
            if word.upper() in _WORDS_BEFORE_ID:
                words[place + 1] = f"{copy}-{words[place + 1]}"
    if section == "COORDINATES":
        words[1] = f"{float(words[1]) + 1e5 * copy:g}"
    if section == "VALVES" and words[4].upper() == "GPV":
        words[5] = f"{copy}-{words[5]}"
    return " ".join(words)


def main() -> None:
    """Write a tiled network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", type=Path)
    parser.add_argument("copies", type=int)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.write_text(tile(arguments.network.read_text(errors="replace"), arguments.copies))


if __name__ == "__main__":
    main()
