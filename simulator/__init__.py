"""A water plant on loopback: an EPANET truth behind real Modbus and OPC UA servers."""
