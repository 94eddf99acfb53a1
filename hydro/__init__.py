"""Hydraulics: network, engine, linearisation, faults, diagnosis, sizing. Values in, values out."""
