from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from api.listening import Door, listening_of, open_socket
from models.problem import BadInput, Unavailable
from tests.api.conftest import House

OUTSIDE = Door(host="0.0.0.0")


def reasons(door: Door, any_user: bool = True) -> str:
    with pytest.raises(BadInput) as refused:
        listening_of(door, any_user)
    return str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost"])
def test_on_loopback_it_listens_as_it_is(host: str) -> None:
    listening = listening_of(Door(host=host), any_user=False)
    assert listening.secure is False
    assert "localhost" in listening.hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "hydro.example"])
def test_beyond_loopback_it_wants_users_and_tls_and_says_both(host: str) -> None:
    said = reasons(Door(host=host), any_user=False)
    assert "there are no users" in said
    assert "--certificate and --key" in said
    assert "--behind-proxy" in said


def test_beyond_loopback_with_users_and_a_proxy_it_listens() -> None:
    assert listening_of(replace(OUTSIDE, proxies=("10.0.0.5",)), any_user=True).secure is True


def test_beyond_loopback_with_users_and_tls_it_listens(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    for file in (certificate, key):
        file.write_text("pem", encoding="utf-8")
    assert listening_of(replace(OUTSIDE, certificate=certificate, key=key), any_user=True).secure is True


def test_half_of_tls_is_none(tmp_path: Path) -> None:
    assert "expected both" in reasons(Door(certificate=tmp_path / "c.pem"))
    assert "is not there" in reasons(Door(certificate=tmp_path / "c.pem", key=tmp_path / "k.pem"))


def test_a_proxy_is_an_address() -> None:
    assert "expected an address" in reasons(replace(OUTSIDE, proxies=("everybody",)))


def test_a_port_that_is_taken_is_said() -> None:
    first = open_socket(Door(port=0))
    with pytest.raises(Unavailable, match="cannot listen there"):
        open_socket(Door(port=first.getsockname()[1]))
    first.close()


def test_other_names_are_not_answered_to(house: House) -> None:
    answer = house.client().get("/healthz", headers={"Host": "rebound.example"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:hydro:problem:host"
