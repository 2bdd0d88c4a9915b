"""Facts made visible: log lines now, metrics to come."""
