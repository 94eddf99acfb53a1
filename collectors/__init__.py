"""The field: Modbus and OPC UA drivers, polling, from the device to the spool and on to the store."""
