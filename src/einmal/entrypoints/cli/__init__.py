"""The command `einmal`."""
