"""The lab: one wish, asked five times, before a calendar with a fault. To be looked at; never in production."""
