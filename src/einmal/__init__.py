"""Einmal: the exactly-once booking gateway between voice agents and Cal.com.

One wish, one booking, and the caller hears the truth.
"""

__version__ = "0.1.0.dev0"
