"""What is kept: telemetry, records, the spool."""
