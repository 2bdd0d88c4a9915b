"""The Model Context Protocol: the booking functions as tools for models, over stdio and over HTTP."""
