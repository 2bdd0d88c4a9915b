"""Retell: its signature, its envelope, the fields that its agents send, and the answer they expect."""
