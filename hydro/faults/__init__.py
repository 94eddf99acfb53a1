"""The faults Hydro knows, one file a kind."""
