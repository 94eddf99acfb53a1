"""How good the diagnosis is: seeded cases whose truth EPANET alone writes, a runner, a scorer, an oracle, a report."""
