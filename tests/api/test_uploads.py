from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from api.gate import LARGE_BODIES
from api.problems import ApiProblem
from api.upload import MOST_BYTES, unpacked
from tests.api.conftest import JIAOZHOU, House

INP = (JIAOZHOU / "network.inp").read_bytes()
PATH = "/api/v1/network-checks"


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_running_network_differs_in_nothing_from_itself(house: House) -> None:
    engineer = house.client("engineer")
    for content in (INP, gzip.compress(INP), zipped(("network.inp", INP))):
        answer = engineer.post(PATH, content=content)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["nodes"], told["links"], told["solves"]) == (319, 341, True)
        assert (told["only_here"], told["only_there"], told["changed"]) == ([], [], [])


def test_a_changed_network_says_what_differs(house: House) -> None:
    lines = INP.decode().splitlines()
    place = next(i for i, line in enumerate(lines) if line.split()[:1] == ["P-144"])
    fields = lines[place].split()
    fields[4] = "96.8"
    lines[place] = " ".join(fields)
    answer = house.client("engineer").post(PATH, content="\n".join(lines).encode())
    assert answer.json()["changed"] == ["P-144"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"Dear Sir or Madam, find the network attached.", "network: "),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "is no text"),
        (b"\x1f\x8b" + b"broken", "cannot be unpacked"),
        (b"PK\x03\x04" + b"broken", "cannot be unpacked"),
        (zipped(("a.inp", INP), ("b.inp", INP)), "holds 2 .inp files, expected one"),
        (zipped(("readme.txt", b"nothing")), "holds 0 .inp files, expected one"),
        (zipped(("a.inp", INP), packing=zipfile.ZIP_LZMA), "packed otherwise than by deflate"),
        (INP.replace(b"P-144", b"P-144 nowhere", 1), "network: "),
    ],
)
def test_what_is_no_network_is_said_to_be_none(house: House, content: bytes, said: str) -> None:
    answer = house.client("engineer").post(PATH, content=content)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["detail"]
    assert "/tmp" not in answer.text


@pytest.mark.parametrize("packed", [gzip.compress, lambda content: zipped(("bomb.inp", content))])
def test_a_bomb_is_not_unpacked(house: House, packed: object) -> None:
    assert callable(packed)
    bomb = packed(bytes(4 * MOST_BYTES))
    assert len(bomb) < MOST_BYTES / 100
    answer = house.client("engineer").post(PATH, content=bomb)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:hydro:problem:too-large"


def test_200_mb_are_refused_before_they_are_read(house: House) -> None:
    engineer = house.client("engineer")
    said = engineer.post(PATH, content=b"x", headers={"Content-Length": str(200 * 1024 * 1024)})
    assert said.status_code == 413
    unsaid = engineer.post(
        PATH, content=(bytes(1024 * 1024) for _ in range(LARGE_BODIES["/network-checks"] // 2**20 + 1))
    )
    assert unsaid.status_code == 413
    assert unsaid.json()["type"] == "urn:hydro:problem:too-large"


def test_an_archive_with_any_byte_damaged_is_answered_in_words() -> None:
    whole = zipped(("network.inp", b"[JUNCTIONS]\n J-1 0 0\n" * 20))
    for place in range(4, len(whole)):
        for value in (0x00, 0xFF):
            try:
                assert unpacked(whole[:place] + bytes([value]) + whole[place + 1 :])
            except ApiProblem as error:
                assert "network: " in error.problem.detail
