"""Modbus: which registers to ask for together, how to read them, and the line."""
