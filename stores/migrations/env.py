"""Alembic's entry: migrates the connection that the records hand over, or a scratch file when a developer calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context
from sqlalchemy import create_engine

from stores.records_schema import METADATA, VERSION_TABLE

if TYPE_CHECKING:
    from sqlalchemy import Connection


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=METADATA, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    with create_engine(context.config.get_main_option("sqlalchemy.url") or "sqlite://").begin() as scratch:
        _migrate(scratch)
