"""Channels on which what was promised is sent."""
