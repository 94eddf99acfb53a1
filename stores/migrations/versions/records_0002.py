"""Hand readings of crews.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "hand_readings",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_m", sa.Float, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("complaint_id", sa.Integer, nullable=False),
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hand_readings"),
    )
    op.create_index("ix_hand_readings_complaint_id", "hand_readings", ["complaint_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("hand_readings")
