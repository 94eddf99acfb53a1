"""The tables of the records, as the newest migration leaves them. A change here needs a migration; a test compares."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

HEAD = "0003"
"""The newest migration; kept here so that opening an up-to-date database does not load alembic."""
VERSION_TABLE = "records_version"


class Instant(TypeDecorator[datetime]):
    """An aware time, kept in UTC. SQLite knows no offsets: what it gives back is UTC by construction."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time in UTC; raises ``ValueError`` for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"time {value.isoformat()} is naive, expected an offset")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the kept time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA = MetaData(naming_convention=NAMES)

ALARMS = Table(
    "alarms",
    METADATA,
    Column("key", String(400), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("source", Text, nullable=False),
    Column("code", String(60), nullable=False),
    Column("priority", String(10), nullable=False),
    Column("state", String(30), nullable=False, index=True),
    Column("active", Boolean, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("hold", JSON(none_as_null=True)),
    Column("details", JSON, nullable=False),
    Column("raised", Instant),
    Column("changed", Instant),
    Column("acknowledged_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

ALARM_EVENTS = Table(
    "alarm_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("key", String(400), ForeignKey("alarms.key"), nullable=False, index=True),
    Column("time", Instant, nullable=False),
    Column("event", String(30), nullable=False),
    Column("state", String(30), nullable=False),
    Column("by", Text, nullable=False),
    Column("details", JSON, nullable=False),
    sqlite_autoincrement=True,
)

COMPLAINTS = Table(
    "complaints",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("node", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("words", Text, nullable=False),
    Column("reading_m", Float),
    Column("raised_by", Text, nullable=False),
    Column("status", String(20), nullable=False, index=True),
    Column("diagnosis_id", Integer),
    sqlite_autoincrement=True,
)

DIAGNOSES = Table(
    "diagnoses",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kept", Instant, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("window_start", Instant, nullable=False),
    Column("window_end", Instant, nullable=False),
    Column("complaint_id", Integer, ForeignKey("complaints.id"), index=True),
    Column("schema_version", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    sqlite_autoincrement=True,
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("state", String(20), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("created", Instant, nullable=False),
    Column("link", Text, nullable=False),
    Column("valve_id", Text, nullable=False),
    Column("complaint_id", Integer, ForeignKey("complaints.id")),
    Column("diagnosis_id", Integer, ForeignKey("diagnoses.id")),
    Column("alarm_key", String(400), nullable=False),
    Column("content", JSON, nullable=False),
    sqlite_autoincrement=True,
)

FINDINGS = Table(
    "findings",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order_id", Integer, ForeignKey("orders.id"), nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("time", Instant, nullable=False),
    sqlite_autoincrement=True,
)

NOTICES = Table(
    "notices",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("customer_name", Text, nullable=False),
    Column("language", String(20), nullable=False),
    Column("code", String(40), nullable=False),
    Column("created", Instant, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("order_id", Integer, ForeignKey("orders.id")),
    Column("diagnosis_id", Integer, ForeignKey("diagnoses.id")),
    Index("ix_notices_order_id_code", "order_id", "code"),
    sqlite_autoincrement=True,
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("time", Instant, nullable=False),
    Column("written", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("content", JSON, nullable=False),
    sqlite_autoincrement=True,
)

BEATS = Table(
    "beats",
    METADATA,
    Column("process", String(40), primary_key=True),
    Column("plant_time", Instant, nullable=False),
    Column("written", Instant, nullable=False),
)

APPEND_ONLY = ("alarm_events", "findings", "audit")
"""Tables in which the database itself refuses to change or delete a row."""

HAND_READINGS = Table(
    "hand_readings",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("value_m", Float, nullable=False),
    Column("by", Text, nullable=False),
    Column("complaint_id", Integer, nullable=False, index=True),
    Column("order_id", Integer, nullable=False),
)

USERS = Table(
    "users",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("full_name", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("password", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("disabled", Boolean, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("opened", Instant, nullable=False),
    Column("expires", Instant, nullable=False),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user", String(64), ForeignKey("users.name"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("created", Instant, nullable=False),
    Column("expires", Instant),
    Column("last_used", Instant),
    Column("revoked", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

REQUESTS = Table(
    "requests",
    METADATA,
    Column("user", String(64), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("written", Instant, nullable=False, index=True),
)

SCENARIOS = Table(
    "scenarios",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created", Instant, nullable=False),
    Column("changed", Instant, nullable=False),
    Column("changes", JSON, nullable=False),
    Column("dropped", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

WORKS = Table(
    "works",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant, nullable=False, index=True),
    Column("ended", Instant),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("zones", JSON, nullable=False),
    Column("elements", JSON, nullable=False),
    sqlite_autoincrement=True,
)

OUT_OF_SCAN = Table(
    "out_of_scan",
    METADATA,
    Column("point", String(200), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("since", Instant, nullable=False),
)

PHOTOS = Table(
    "photos",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order_id", Integer, ForeignKey("orders.id"), nullable=False, index=True),
    Column("media_type", String(20), nullable=False),
    Column("size", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("caption", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
