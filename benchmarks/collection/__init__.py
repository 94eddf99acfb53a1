"""Collection: reads a CPU-second, devices on time, changes lost, what a decoder survives."""
