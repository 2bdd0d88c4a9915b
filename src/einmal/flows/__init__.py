"""Where decisions meet ports. One file, one story."""
