"""Cal.com's API v2: requests written, answers read and classified. Translation only; nothing is decided."""
