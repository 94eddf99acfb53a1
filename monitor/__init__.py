"""The live numbers: samples and network become a state, a diagnosis, alarms."""
