"""Alarms, complaints, diagnoses, orders, notices and the audit trail.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_APPEND_ONLY = ("alarm_events", "findings", "audit")


def upgrade() -> None:
    """Create the tables, their indices and the triggers that keep the logs append-only."""
    _create_alarms()
    _create_complaints_and_diagnoses()
    _create_orders()
    _create_trail()
    for table in _APPEND_ONLY:
        _forbid_changes(table)


def downgrade() -> None:
    """Refuse: there is nothing older to go back to."""
    raise NotImplementedError("the first migration has nothing before it")


def _create_alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("priority", sa.String(10), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        sa.Column("hold", sa.JSON),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("raised", _TIME),
        sa.Column("changed", _TIME),
        sa.Column("acknowledged_by", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_alarms"),
    )
    op.create_index("ix_alarms_state", "alarms", ["state"])
    op.create_table(
        "alarm_events",
        sa.Column("number", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("event", sa.String(30), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_alarm_events"),
        sa.ForeignKeyConstraint(["key"], ["alarms.key"], name="fk_alarm_events_key_alarms"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alarm_events_key", "alarm_events", ["key"])


def _create_complaints_and_diagnoses() -> None:
    op.create_table(
        "complaints",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("reading_m", sa.Float),
        sa.Column("raised_by", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("diagnosis_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_complaints"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_complaints_customer_id", "complaints", ["customer_id"])
    op.create_index("ix_complaints_status", "complaints", ["status"])
    op.create_table(
        "diagnoses",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("kept", _TIME, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("window_start", _TIME, nullable=False),
        sa.Column("window_end", _TIME, nullable=False),
        sa.Column("complaint_id", sa.Integer),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_diagnoses"),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaints.id"], name="fk_diagnoses_complaint_id_complaints"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_diagnoses_complaint_id", "diagnoses", ["complaint_id"])


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("valve_id", sa.Text, nullable=False),
        sa.Column("complaint_id", sa.Integer),
        sa.Column("diagnosis_id", sa.Integer),
        sa.Column("alarm_key", sa.String(400), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaints.id"], name="fk_orders_complaint_id_complaints"),
        sa.ForeignKeyConstraint(["diagnosis_id"], ["diagnoses.id"], name="fk_orders_diagnosis_id_diagnoses"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_state", "orders", ["state"])
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_findings_order_id_orders"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_findings_order_id", "findings", ["order_id"])


def _create_trail() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("customer_name", sa.Text, nullable=False),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("created", _TIME, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("order_id", sa.Integer),
        sa.Column("diagnosis_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_notices_order_id_orders"),
        sa.ForeignKeyConstraint(["diagnosis_id"], ["diagnoses.id"], name="fk_notices_diagnosis_id_diagnoses"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_customer_id", "notices", ["customer_id"])
    op.create_index("ix_notices_order_id_code", "notices", ["order_id", "code"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.Column("written", _TIME, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
    op.create_table(
        "beats",
        sa.Column("process", sa.String(40), nullable=False),
        sa.Column("plant_time", _TIME, nullable=False),
        sa.Column("written", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_beats"),
    )


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} only grows'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
        )
