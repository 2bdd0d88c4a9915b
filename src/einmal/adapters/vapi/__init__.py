"""Vapi: its server messages, the calls of its tools, and the one line that it wants as an answer."""
