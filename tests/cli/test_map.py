"""``hydro map``: what is on the picture, and what is said when it cannot be drawn."""

from __future__ import annotations

import argparse
import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cli import map as map_command
from cli.map_causes import WORDS
from cli.map_picture import COLOURS
from cli.svg import wrapped
from models.problem import BadInput
from models.site_file import load_site
from stores.records import Records

JIAOZHOU = Path("sample_networks/jiaozhou").resolve()
IMAGES = Path("docs/images").resolve()
SVG = "{http://www.w3.org/2000/svg}"


def cause(kind: str, elements: list[str], probability: float, lost: float | None = None, **more: Any) -> dict[str, Any]:
    severity = {} if lost is None else {"head_lost_m": lost, "interval90": [lost - 1, lost + 1], "at": "J-126"}
    return {
        "kind": kind,
        "elements": elements,
        "probability": probability,
        "valve_ids": [],
        "severity": severity,
    } | more


DOCUMENT: dict[str, Any] = {
    "causes": [
        cause("blocked_link", ["P-144"], 0.94, 19.0, valve_ids=["V-095"]),
        cause("demand_growth", ["J-126"], 0.9, 5.4),
        cause("point_fault", ["PT-05"], 0.4),
        cause("leak", ["J-029"], 0.02, 0.1),
    ],
    "attribution": [
        {"term": "demand_growth", "elements": ["J-126"], "head_m": 4.8},
        {"term": "blocked_link", "elements": ["P-144"], "head_m": 13.6},
        {"term": "undersized_main", "elements": ["P-144", "P-145"], "head_m": 11.7, "size": "PE100 SDR11 DN110"},
    ],
    "attribution_at": "J-126",
    "attribution_total_m": 30.1,
    "next_measurements": [{"node": "J-123", "quantity": "pressure", "bits": 0.7}],
    "cures": [],
    "complaint": {"customer_id": "C-FAN"},
    "affected_customers": [{"node": "J-126", "customer_id": "C-FAN", "head_lost_m": 24.0}],
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(JIAOZHOU, tmp_path / "jiaozhou", ignore=shutil.ignore_patterns("plant", "data")))


def draw(site: Path, *arguments: object) -> ElementTree.Element:
    """Return the picture that the command writes."""
    parser = argparse.ArgumentParser()
    map_command.add_arguments(parser)
    file = site / "map.svg"
    given = parser.parse_args([str(one) for one in (site, "-o", file, *arguments)])
    assert map_command.run(given) == 0
    return ElementTree.fromstring(file.read_text(encoding="utf-8"))


def document(site: Path, content: object = DOCUMENT) -> Path:
    file = site / "document.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def words(picture: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in picture.iter(f"{SVG}text")]


def kinds(picture: ElementTree.Element, kind: str) -> list[str]:
    """Return the causes' kinds of the shapes of a class, in their order."""
    classes = [(one.get("class") or "").split() for one in picture.iter()]
    return [names[1] for names in classes if names[:1] == [kind] and len(names) > 1]


def test_every_probable_cause_is_marked_and_listed_with_its_metres(site: Path) -> None:
    picture = draw(site, "--diagnosis", document(site))
    in_order = ["blocked_link", "undersized_main", "demand_growth", "point_fault"]
    # Once in the lens and once in the list, the costliest first; the leak is too unlikely to be there.
    assert kinds(picture, "badge") == 2 * in_order
    assert kinds(picture, "guilty") == ["blocked_link"]
    told = words(picture)
    assert [one for one in told if re.fullmatch(r"\d+\.\d m", one)] == ["13.6 m", "11.7 m", "4.8 m"]
    assert "valve V-095, main P-144 · 94 % sure" in told
    assert "30.1 m lost at 上合风机厂" in told
    assert "pressure at J-123: tells 0.7 bits" in told


def test_bar_has_the_shares_of_the_metres(site: Path) -> None:
    bars = [
        one for one in draw(site, "--diagnosis", document(site)).iter() if (one.get("class") or "").startswith("bar ")
    ]
    widths = [float(one.get("width") or 0) for one in bars]
    assert [width / sum(widths) for width in widths] == pytest.approx([13.6 / 30.1, 11.7 / 30.1, 4.8 / 30.1], abs=0.002)


def test_badges_do_not_lie_over_each_other(site: Path) -> None:
    badges = [
        one for one in draw(site, "--diagnosis", document(site)).iter() if (one.get("class") or "").startswith("badge")
    ]
    places = [complex(float(one.get("cx") or 0), float(one.get("cy") or 0)) for one in badges]
    assert min(abs(a - b) for number, a in enumerate(places) for b in places[:number]) > 24


def test_chinese_picture_says_the_same(site: Path) -> None:
    told = words(draw(site, "--diagnosis", document(site), "--language", "zh"))
    assert "阀门或管道堵塞" in told
    assert "上合风机厂损失 30.1 m" in told
    assert "Blocked valve or main" not in told


def test_both_languages_know_the_same_words_and_every_kind_has_a_colour() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for name, words_ in WORDS["en"].items():
        assert sorted(re.findall(r"\{(\d)", words_)) == sorted(re.findall(r"\{(\d)", WORDS["zh"][name])), name
    assert COLOURS.keys() <= WORDS["en"].keys()


def test_plan_alone_shows_every_main_and_every_gauge(site: Path) -> None:
    picture = draw(site)
    classes = [one.get("class") for one in picture.iter()]
    loaded = load_site(site)
    assert classes.count("main") == len(loaded.pipes)
    assert classes.count("gauge") == 1 + sum(point.quantity == "pressure" for point in loaded.points)
    assert not [one for one in classes if one and one.startswith("badge")]


def test_kept_diagnosis_is_drawn_by_its_number(site: Path) -> None:
    with Records(load_site(site).stores.records_url) as records:
        window = {"start": "2026-07-10T00:30:00+00:00", "end": "2026-07-11T00:30:00+00:00"}
        number = records.keep_diagnosis({"schema": 1, "window": window, **DOCUMENT}, "cycle")
    assert kinds(draw(site, "--diagnosis", number), "badge")


def test_names_are_no_markup(site: Path) -> None:
    file = site / "site.toml"
    file.write_text(file.read_text().replace("Jiaozhou, Shanghe demonstration zone", "A <b> & 'c'"))
    assert "A <b> & 'c'" in words(draw(site))


def test_nodes_without_coordinates_are_left_out(site: Path) -> None:
    inp = site / "network.inp"
    inp.write_text(re.sub(r"^ J-126 +\d+\.\d+ +-?\d+\.\d+$", "", inp.read_text(), flags=re.MULTILINE))
    picture = draw(site, "--diagnosis", document(site))
    assert "nan" not in ElementTree.tostring(picture, encoding="unicode")
    assert "Grown demand" in words(picture)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "document.json: is no JSON"),
        ({"causes": []}, "expected the keys attribution, next_measurements, cures"),
        ([], "is no document of a diagnosis"),
        (
            DOCUMENT | {"attribution": [{"term": "leak", "elements": ["J-999"], "head_m": 1.0}]},
            "leak J-999: not in the network",
        ),
    ],
)
def test_what_is_no_diagnosis_of_this_site_is_said(site: Path, content: object, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        draw(site, "--diagnosis", document(site, content))


def test_file_that_is_not_there_and_one_that_cannot_be_written_are_said(site: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.json: cannot be read"):
        draw(site, "--diagnosis", site / "nothing.json")
    with pytest.raises(BadInput, match="cannot be written"):
        draw(site, "-o", site / "nowhere" / "map.svg")


def test_network_without_coordinates_is_said(site: Path) -> None:
    inp = site / "network.inp"
    inp.write_text(re.sub(r"\[COORDINATES\].*?(?=\[END\])", "", inp.read_text(), flags=re.DOTALL))
    with pytest.raises(BadInput, match=r"network\.inp: no node has coordinates, expected a section \[COORDINATES\]"):
        draw(site)


@pytest.mark.parametrize(("language", "name"), [("en", "case.svg"), ("zh", "case.zh-CN.svg")])
def test_pictures_in_the_readme_are_what_the_command_draws(site: Path, language: str, name: str) -> None:
    drawn = draw(site, "--diagnosis", IMAGES / "case.json", "--language", language)
    kept = ElementTree.fromstring((IMAGES / name).read_text(encoding="utf-8"))
    assert ElementTree.tostring(drawn) == ElementTree.tostring(kept)


def test_words_are_broken_by_the_width_they_take() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("一二三四五", 6) == ["一二三", "四五"]
    assert wrapped("", 5) == []
