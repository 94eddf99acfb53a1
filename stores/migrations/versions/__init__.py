"""One module a migration, ``records_NNNN.py``."""
