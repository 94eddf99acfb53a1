"""The service over HTTP: what people and scripts may ask, and the live stream."""
