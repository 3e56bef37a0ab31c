"""The client that callers import, against servers that fail on purpose."""
