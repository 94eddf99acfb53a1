"""The engine: how right its linear model is, and how fast everything about it."""
