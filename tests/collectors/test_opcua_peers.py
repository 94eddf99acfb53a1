"""OPC UA servers that nobody here wrote: their limits, users, policies, certificates, changes and memory."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncua.crypto.cert_gen import dump_private_key_as_pem, generate_private_key, generate_self_signed_app_certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cli.main import main
from collectors.driver import NoAnswer, Reading
from collectors.opcua.driver import OpcUaDriver
from collectors.readings import Readings
from models.point import Point
from models.quantity import Quantity
from models.sample import Quality
from models.site import Device, Policy, SecuritySettings, SubscriptionSettings
from tests.peers.start import Missing, Peer, node_opcua

PUBLISH_S = 0.1
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Keys:
    """A certificate and its key."""

    certificate: Path
    key: Path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server has its key: making one takes long."""
    return tmp_path_factory.mktemp("node")


@pytest.fixture
def server(stack: ExitStack, pki: Path) -> Callable[..., tuple[str, Peer]]:
    """Starts node-opcua, or skips the test where it is not built; in CI that is a failure."""

    def start(**settings: Any) -> tuple[str, Peer]:
        try:
            return stack.enter_context(node_opcua(pki, **settings))
        except Missing as error:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(error))

    return start


def keys(folder: Path, name: str) -> Keys:
    key = generate_private_key()
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(f"urn:hydro:{name}"), x509.DNSName("localhost")]
    certificate = generate_self_signed_app_certificate(key, name, {}, names, [ExtendedKeyUsageOID.CLIENT_AUTH])
    made = Keys(folder / f"{name}.der", folder / f"{name}.pem")
    made.certificate.write_bytes(certificate.public_bytes(Encoding.DER))
    made.key.write_bytes(dump_private_key_as_pem(key))
    return made


@pytest.fixture
def trusted(pki: Path, tmp_path: Path) -> Callable[[], Path]:
    """Puts the server's certificate among what is trusted, as an engineer would."""

    def trust() -> Path:
        folder = tmp_path / "trusted"
        folder.mkdir(exist_ok=True)
        (folder / "server.pem").write_bytes((pki / "pki/own/certs/certificate.pem").read_bytes())
        return folder

    return trust


def points(count: int) -> list[Point]:
    return [Point(f"V{n}", "T1", Quantity.LEVEL, "m", "scada", f"ns=1;s=V{n}") for n in range(count)]


@asynccontextmanager
async def asking(device: Device, subscribed: list[Point] | None = None) -> AsyncIterator[OpcUaDriver]:
    driver = OpcUaDriver(device, subscribed or ())
    try:
        await driver.connect()
        yield driver
    finally:
        await driver.close()


def device_at(url: str, **more: Any) -> Device:
    return Device("scada", "opcua", url=url, timeout_s=5.0, **more)


def subscribing(url: str) -> Device:
    return device_at(url, reading="subscribe", subscription=SubscriptionSettings(PUBLISH_S, 0.0, 1000))


async def told(driver: OpcUaDriver, met: Callable[[list[Reading]], bool]) -> list[Reading]:
    """Read on until what was told is enough."""
    found: list[Reading] = []
    async with asyncio.timeout(30.0):
        while not met(found):
            found += (await driver.read(())).told
            await asyncio.sleep(PUBLISH_S / 2.0)
    return found


async def test_limits_of_the_server_are_kept_in_every_call(server: Callable[..., tuple[str, Peer]]) -> None:
    limits = {"maxNodesPerRead": 7, "maxMonitoredItemsPerCall": 5, "maxNodesPerHistoryReadData": 3}
    url, _ = server(nodes=23, limits=limits, history=True)
    wanted = points(23)
    async with asking(subscribing(url), wanted) as driver:
        answer = await driver.read(wanted)
        assert [one.value for one in answer.readings] == [n + 0.5 for n in range(23)]
        first = await told(driver, lambda found: len(found) + len(answer.told) >= 23)
        assert {one.point for one in [*answer.told, *first]} == {one.name for one in wanted}
        await driver.history(wanted, datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC))


async def test_every_change_is_told_in_order_though_the_loop_stands_still(
    server: Callable[..., tuple[str, Peer]],
) -> None:
    url, peer = server(nodes=3)
    changes = 60

    def change() -> None:
        for number in range(1, changes + 1):
            peer.order(f"set V{number % 3} {number}")
            # It looks at its values every 50 ms.
            time.sleep(0.05)

    async with asking(subscribing(url), points(3)) as driver:
        await told(driver, lambda found: len(found) >= 3)
        changing = asyncio.create_task(asyncio.to_thread(change))
        await asyncio.sleep(0.5)
        time.sleep(1.5)
        found = await told(driver, lambda found: len(found) >= changes)
        await changing
    for place in range(3):
        mine = [one for one in found if one.point == f"V{place}"]
        assert [one.value for one in mine] == [float(number) for number in range(1, changes + 1) if number % 3 == place]
        times = [one.time for one in mine if one.time is not None]
        assert len(times) == len(mine)
        assert times == sorted(times)


async def test_point_is_told_or_polled_as_it_says_itself(server: Callable[..., tuple[str, Peer]]) -> None:
    url, peer = server(nodes=2)
    first, second = points(2)
    wanted = [replace(first, reading="subscribe"), second]
    async with asking(device_at(url, subscription=SubscriptionSettings(PUBLISH_S, 0.0, 10)), wanted) as driver:
        found = await told(driver, lambda found: len(found) >= 1)
        for order in ("set V1 7", "set V0 8"):
            peer.order(order)
        found += await told(driver, lambda found: any(one.value == 8.0 for one in found))
        # What is polled only does not make the subscription look deaf.
        answer = await driver.read(wanted)
        assert driver._subscription is not None
        ahead = datetime.now(UTC) + timedelta(minutes=1)
        assert driver._subscription.missed(Readings.of(answer.readings), ahead) == []
    assert {one.point for one in found} == {"V0"}
    assert [one.value for one in answer.readings] == [8.0, 7.0]


async def test_quality_is_told_too(server: Callable[..., tuple[str, Peer]]) -> None:
    url, peer = server(nodes=1)
    async with asking(subscribing(url), points(1)) as driver:
        await told(driver, lambda found: len(found) >= 1)
        peer.order("bad V0")
        (one,) = await told(driver, lambda found: len(found) >= 1)
    assert (one.quality, one.reason) == (Quality.BAD, "BadSensorFailure")


async def test_subscription_that_the_server_forgets_is_noticed_and_made_anew(
    server: Callable[..., tuple[str, Peer]],
) -> None:
    url, peer = server(nodes=2)
    async with asking(subscribing(url), points(2)) as driver:
        await told(driver, lambda found: len(found) >= 2)
        peer.order("forget")
        peer.order("set V0 77")
        with pytest.raises(NoAnswer, match="subscription"):
            async with asyncio.timeout(60.0):
                while True:
                    await driver.read(points(2))
                    await asyncio.sleep(PUBLISH_S)
        await driver.close()
        await driver.connect()
        found = await told(driver, lambda found: len(found) >= 2)
    assert {one.value for one in found} == {77.0, 1.5}


async def test_what_the_server_remembers_of_an_outage_is_read(server: Callable[..., tuple[str, Peer]]) -> None:
    url, peer = server(nodes=2, history=True)
    async with asking(device_at(url)) as driver:
        begun = (await driver.read(points(1))).clock
        assert begun is not None
        for number in range(50):
            peer.order(f"set V0 {number}")
            await asyncio.sleep(0.005)
        async with asyncio.timeout(20.0):
            while (await driver.read(points(1))).readings[0].value != 49.0:
                await asyncio.sleep(0.05)
        ended = datetime.now(UTC) + timedelta(seconds=1)
        found = await driver.history(points(2), begun, ended)
        mine = [one.value for one in found if one.point == "V0"]
        assert mine[-50:] == [float(number) for number in range(50)]
        assert not await driver.history(points(2), ended, ended + timedelta(hours=1))


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"])
@pytest.mark.parametrize("mode", ["sign", "sign_and_encrypt"])
async def test_policies_with_certificates_and_a_password(
    policy: Policy,
    mode: Any,
    server: Callable[..., tuple[str, Peer]],
    trusted: Callable[[], Path],
    tmp_path: Path,
) -> None:
    own = keys(tmp_path, "hydro")
    url, _ = server(nodes=1, trusts=[str(own.certificate)], users={"hydro": "secret"})
    secure = SecuritySettings(policy, mode, own.certificate, own.key, trusted())
    async with asking(device_at(url, username="hydro", password="secret", security=secure)) as driver:
        assert (await driver.read(points(1))).readings[0].value == 0.5
    wrong = device_at(url, username="hydro", password="wrong", security=secure)
    with pytest.raises(NoAnswer, match=r"Bad(UserAccessDenied|IdentityTokenRejected)"):
        await OpcUaDriver(wrong).connect()


async def test_server_whose_certificate_is_not_trusted_gets_no_password(
    server: Callable[..., tuple[str, Peer]], tmp_path: Path
) -> None:
    own, other = keys(tmp_path, "hydro"), keys(tmp_path, "other")
    url, _ = server(nodes=1, trusts=[str(own.certificate)], users={"hydro": "secret"})
    empty, wrong = tmp_path / "empty", tmp_path / "wrong"
    for folder in (empty, wrong):
        folder.mkdir()
    (wrong / "other.der").write_bytes(other.certificate.read_bytes())
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    (spoilt / "notes.pem").write_text("ask Li for the new one")
    named = "notes.pem in folder spoilt is no certificate"
    for folder, why in ((empty, "BadCertificateUntrusted"), (wrong, "BadCertificateUntrusted"), (spoilt, named)):
        secure = SecuritySettings("Basic256Sha256", "sign_and_encrypt", own.certificate, own.key, folder)
        with pytest.raises(NoAnswer, match=why):
            await OpcUaDriver(device_at(url, username="hydro", password="secret", security=secure)).connect()


async def test_client_that_the_server_does_not_trust_is_refused(
    server: Callable[..., tuple[str, Peer]], trusted: Callable[[], Path], tmp_path: Path
) -> None:
    own, stranger = keys(tmp_path, "hydro"), keys(tmp_path, "stranger")
    url, _ = server(nodes=1, trusts=[str(own.certificate)])
    secure = SecuritySettings("Basic256Sha256", "sign_and_encrypt", stranger.certificate, stranger.key, trusted())
    with pytest.raises(NoAnswer):
        await OpcUaDriver(device_at(url, security=secure)).connect()


async def test_certificate_logs_a_user_in(
    server: Callable[..., tuple[str, Peer]], trusted: Callable[[], Path], tmp_path: Path
) -> None:
    own, person, stranger = keys(tmp_path, "hydro"), keys(tmp_path, "person"), keys(tmp_path, "stranger")
    url, _ = server(
        nodes=1, trusts=[str(own.certificate)], users={"nobody": "x"}, userCertificates=[str(person.certificate)]
    )
    folder = trusted()

    def known_by(user: Keys) -> Device:
        return device_at(
            url,
            security=SecuritySettings(
                "Basic256Sha256", "sign_and_encrypt", own.certificate, own.key, folder, user.certificate, user.key
            ),
        )

    async with asking(known_by(person)) as driver:
        assert (await driver.read(points(1))).readings[0].value == 0.5
    with pytest.raises(NoAnswer):
        await OpcUaDriver(known_by(stranger)).connect()


def browsed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    status = main(["browse", *arguments, "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out or "{}"), said.err


def test_browsing_finds_every_variable_in_calls_that_the_server_allows(
    server: Callable[..., tuple[str, Peer]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, _ = server(nodes=23, limits={"maxNodesPerRead": 7, "maxNodesPerBrowse": 3}, history=True)
    status, found, _ = browsed(capsys, url)
    assert (status, found["complete"]) == (0, True)
    rows = {one["address"]: one for one in found["variables"]}
    assert {f"ns=1;s=V{n}" for n in range(23)} <= set(rows)
    one = rows["ns=1;s=V7"]
    assert (one["path"], one["data_type"], one["value"], one["status"], one["history"]) == (
        "Plant/V7", "Double", 7.5, "Good", True,
    )  # fmt: skip
    status, found, said = browsed(capsys, url, "--most", "5")
    assert (status, found["complete"], len(found["variables"])) == (0, False, 5)
    assert "stopped after 5 variables" in said
    status, _, said = browsed(capsys, url, "--node", "no node")
    assert (status, said) == (3, 'node "no node" is no NodeId, expected one such as ns=2;s=PS1\n')


def test_browsing_a_server_that_speaks_to_nobody_else_goes_by_the_site(
    server: Callable[..., tuple[str, Peer]],
    trusted: Callable[[], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = keys(tmp_path, "hydro")
    url, _ = server(nodes=2, trusts=[str(own.certificate)], users={"hydro": "secret"})
    trusted()
    monkeypatch.setenv("SCADA_WORD", "secret")
    (tmp_path / "network.inp").write_text("[END]\n")
    (tmp_path / "points.csv").write_text("name,element,quantity,unit,device,address\n")
    (tmp_path / "site.toml").write_text(
        f'name = "S"\ntime_zone = "UTC"\n[[devices]]\nname = "scada"\nprotocol = "opcua"\nurl = "{url}"\n'
        'username = "hydro"\npassword = "${SCADA_WORD}"\nsecurity = "Basic256Sha256"\n'
        'certificate_file = "hydro.der"\nkey_file = "hydro.pem"\n'
        'trusted_folder = "trusted"\n'
    )
    status, _, said = browsed(capsys, url)
    assert (status, said) == (5, f"{url} does not answer (BadIdentityTokenInvalid)\n")
    status, found, said = browsed(capsys, url, "--site", str(tmp_path))
    assert status == 0, said
    assert {"ns=1;s=V0", "ns=1;s=V1"} <= {one["address"] for one in found["variables"]}
    status, _, said = browsed(capsys, "opc.tcp://127.0.0.1:9", "--site", str(tmp_path))
    assert status == 3
    assert "no device has the url opc.tcp://127.0.0.1:9" in said
