"""Decisions. Standard library only: no clock, no chance, no I/O; the same input gives the same output."""
