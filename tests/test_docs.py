"""The documentation names what there is: every command and option, every key and column; and links lead somewhere."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from cli.main import COMMANDS, _module
from models.points_file import OPTIONAL, REQUIRED
from models.register import Customer, PipeAsset, RegisteredValve
from models.site import MonitorSettings

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")}
TEXTS = [*DOCS.rglob("*.md"), *DOCS.parent.glob("README*.md"), DOCS.parent / "sample_networks/jiaozhou/README.md"]


def options(command: str) -> Iterator[str]:
    """Yield the long options of a command and of its actions."""
    parser = argparse.ArgumentParser()
    _module(command).add_arguments(parser)
    parsers = [parser]
    while parsers:
        one = parsers.pop()
        for action in one._actions:
            yield from (word for word in action.option_strings if word.startswith("--") and word != "--help")
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()


@pytest.mark.parametrize("command", COMMANDS)
def test_reference_names_every_option_of_a_command(command: str) -> None:
    about = [text for text in PAGES.values() if f"hydro {command}" in text]
    assert about, f"no page of docs/reference speaks of hydro {command}"
    missing = {option for option in options(command) if not any(option in text for text in about)}
    assert not missing, f"docs/reference does not name {sorted(missing)} of hydro {command}"


@pytest.mark.parametrize(
    "names",
    [
        [*REQUIRED, *OPTIONAL],
        [one.name for one in fields(MonitorSettings)],
        [one.name for kind in (Customer, RegisteredValve, PipeAsset) for one in fields(kind)],
    ],
    ids=["points.csv", "[monitor]", "registers"],
)
def test_reference_names_every_column_and_setting_of_a_site(names: list[str]) -> None:
    assert [name for name in names if f"`{name}`" not in PAGES["site.md"]] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_every_page_is_in_the_index() -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", (DOCS / "README.md").read_text(encoding="utf-8"))
    linked = {(DOCS / target).resolve() for target in targets}
    pages = {path for path in DOCS.rglob("*.md") if path != DOCS / "README.md"}
    assert {path.name for path in pages if not {path, path.parent} & linked} == set()


def test_both_readmes_have_the_same_sections_commands_pictures_and_rooms() -> None:
    english, chinese = ((DOCS.parent / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))

    def bones(text: str) -> list[str]:
        """Return headings by their depth, commands without comments and people's words, rooms and links, in order."""
        found = []
        for line in text.splitlines():
            if re.match(r"#+ ", line):
                found.append(line.partition(" ")[0])
            elif re.match(r"(hydro|make|cp) ", line):
                found.append(re.sub(r' --(by|words|crew) ("[^"]*"|\S+)', "", line.partition(" #")[0]).strip())
            found += re.findall(r"^\| `(\w+/)`", line)
            found += [link.replace(".zh-CN", "") for link in re.findall(r"\]\((docs/[^)]+)\)", line)]
        return found

    assert bones(english) == bones(chinese)
