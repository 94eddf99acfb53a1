"""A city of one network's copies side by side, each with its own source, joined by pipes at their edges."""

from __future__ import annotations

from pathlib import Path

from benchmarks.diagnosis.project import Project

_IDS = {
    "JUNCTIONS": 1,
    "RESERVOIRS": 1,
    "TANKS": 1,
    "PIPES": 3,
    "PUMPS": 3,
    "VALVES": 3,
    "DEMANDS": 1,
    "EMITTERS": 1,
    "STATUS": 1,
    "COORDINATES": 1,
    "VERTICES": 1,
    "TAGS": 2,
}
"""How many leading words of a section's line name elements of the copy."""
_NAMING = ("LINK", "PIPE", "PUMP", "VALVE", "NODE", "JUNC", "TANK", "JUNCTION", "RESERVOIR")
_ONCE = ("PATTERNS", "CURVES", "OPTIONS", "TIMES", "REPORT", "ENERGY", "TITLE", "REACTIONS")
JOINT_MM = 200.0


class NotTileable(Exception):
    """The file has sections that a copy cannot simply be renamed in."""


def tile(inp: Path, copies: int, path: Path) -> None:
    """Write ``copies`` of a network as one; each copy's first junction is joined to the last one's last junction.

    Raises
    ------
    NotTileable
        The file has rules, whose clauses name elements in ways that differ.
    """
    sections = _sections(inp)
    if any(line for line in sections.get("RULES", ())):
        raise NotTileable(f"{inp}: has rules")
    project = Project(inp)
    try:
        junctions = [project.elements.node_ids[node] for node in project.elements.junctions]
    finally:
        project.close()
    written = [f"[TITLE]\n{copies} copies of {inp.stem}\n"]
    for name, lines in sections.items():
        if name in _IDS or name == "CONTROLS":
            body = [_renamed(name, line, copy) for copy in range(copies) for line in lines]
        elif name in _ONCE:
            body = lines if name != "TITLE" else []
        else:
            continue
        if name == "PIPES":
            body += [
                f"joint~{copy} {junctions[-1]}~{copy - 1} {junctions[0]}~{copy} 100 {JOINT_MM} 120 0 Open"
                for copy in range(1, copies)
            ]
        if name != "TITLE":
            written.append("\n".join([f"[{name}]", *body, ""]))
    written.append("[END]\n")
    path.write_text("\n".join(written), encoding="utf-8")


def _renamed(section: str, line: str, copy: int) -> str:
    words = line.split()
    if section == "CONTROLS":
        named = [place for place, word in enumerate(words) if place and words[place - 1].upper() in _NAMING]
    elif section == "TAGS":
        named = [1]
    else:
        named = list(range(_IDS[section]))
    return " ".join(f"{word}~{copy}" if place in named else word for place, word in enumerate(words))


def _sections(inp: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for raw in inp.read_text(encoding="utf-8", errors="replace").splitlines():
        line = raw.split(";")[0].strip()
        if line.startswith("["):
            name = line.strip("[]").upper()
            found.setdefault(name, [])
        elif line and name and name != "END":
            found[name].append(line)
    return found
