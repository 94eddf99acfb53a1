"""Speed of the service over HTTP: what-ifs, the live stream."""
