"""The command line and the wiring; imports what a command needs when it runs."""
