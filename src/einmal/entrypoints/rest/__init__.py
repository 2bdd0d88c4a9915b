"""`/v1/…`: the gateway for a house's own programs. Keys, idempotency and problems here; bookings by the same flows."""
