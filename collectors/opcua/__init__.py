"""OPC UA: polling with source timestamps and status codes."""
