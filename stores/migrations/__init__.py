"""Migrations of the records database, applied when it is opened. ``alembic.ini`` beside it is for writing new ones."""
