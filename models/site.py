"""A site: a folder with a network, its points, devices, stores and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.point import Point
from models.register import Customer, PipeAsset, RegisteredValve

Protocol = Literal["modbus-tcp", "modbus-tls", "modbus-rtu", "modbus-rtu-tcp", "opcua"]
Policy = Literal["None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"]


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial line: ``port`` is its device file. Without a parity bit Modbus wants two stop bits; many have one."""

    port: str = ""
    baud: int = 9600
    parity: Literal["none", "even", "odd"] = "even"
    stop_bits: int = 1


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """By what a device is known to us and we to it: PEM or DER files, paths absolute; None where there is none.

    ``trusted`` is a folder with the certificates of devices, or of authorities, that are believed.
    """

    policy: Policy = "None"
    mode: Literal["sign", "sign_and_encrypt"] = "sign_and_encrypt"
    certificate: Path | None = None
    key: Path | None = None
    trusted: Path | None = None
    user_certificate: Path | None = None
    user_key: Path | None = None


@dataclass(frozen=True, slots=True)
class BlockSettings:
    """How a Modbus device likes to be asked: the most registers at once, the widest gap to read across, the pause."""

    most: int = 125
    gap: int = 8
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """How a device tells changes: how often it sends them, how often it looks (0: as it can), how many it holds."""

    publish_s: float = 1.0
    sampling_s: float = 0.0
    queue: int = 100


@dataclass(frozen=True, slots=True)
class Device:
    """An outstation or server that answers for points.

    ``clock_address`` names the registers of the device's own clock where it declares one: a 64-bit unsigned count of
    milliseconds since 1970-01-01 UTC in four registers, high word first. ``reading`` says whether values are asked for
    or told by the device when they change.
    """

    name: str
    protocol: Protocol
    host: str = "127.0.0.1"
    port: int = 502
    unit_id: int = 1
    url: str = ""
    timeout_s: float = 2.0
    clock_address: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    serial: SerialSettings = SerialSettings()
    security: SecuritySettings = SecuritySettings()
    blocks: BlockSettings = BlockSettings()
    reading: Literal["poll", "subscribe"] = "poll"
    subscription: SubscriptionSettings = SubscriptionSettings()
    line: int = 0


@dataclass(frozen=True, slots=True)
class InfluxSettings:
    """Where the InfluxDB 2 server is; the token comes from the environment or a file, never from ``site.toml``."""

    url: str
    org: str
    bucket: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long samples are kept one by one, and after that their means over steps; 0 is for ever."""

    samples_days: float = 0.0
    means_days: float = 0.0
    means_step_s: float = 300.0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where samples and records are kept. Paths are absolute after loading.

    ``spool_synchronous`` is what commits to the spool, and then to the embedded store, survive: ``normal`` a killed
    process, ``full`` lost power too.
    ``dropped_files`` is a folder into which loggers' files are put, None where there is none.
    """

    telemetry: Literal["embedded", "influxdb"]
    telemetry_file: Path
    spool_file: Path
    records_url: str
    influxdb: InfluxSettings | None = None
    retention: Retention = Retention()
    spool_synchronous: Literal["normal", "full"] = "normal"
    spool_mb: float = 4000.0
    dropped_files: Path | None = None


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How the monitor looks at the network. Times in plant time."""

    interval_s: float = 60.0
    window_h: float = 24.0
    step_s: float = 900.0
    stale_s: float = 1800.0
    required_pressure_m: float = 14.0
    pressure_noise_m: float = 0.1
    flow_noise_percent: float = 2.0
    demand_cv: float = 0.15
    zone_cv: float = 0.10
    alarm_probability: float = 0.5
    baseline_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A site as configured; every path absolute, every secret resolved."""

    folder: Path
    name: str
    time_zone: str
    crs: str
    network: Path
    clock: Literal["wall", "device"]
    devices: tuple[Device, ...]
    points: tuple[Point, ...]
    stores: StoreSettings
    monitor: MonitorSettings
    customers: tuple[Customer, ...] = ()
    valves: tuple[RegisteredValve, ...] = ()
    pipes: tuple[PipeAsset, ...] = ()
    zones: dict[str, str] = field(default_factory=dict)

    def point(self, name: str) -> Point:
        """Return the point of that name.

        Raises
        ------
        KeyError
            There is none.
        """
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(name)

    def customer(self, customer_id: str) -> Customer:
        """Return the customer of that id; raises ``KeyError`` when there is none."""
        for customer in self.customers:
            if customer.customer_id == customer_id:
                return customer
        raise KeyError(customer_id)
