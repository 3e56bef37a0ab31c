"""The soak: a server under load for an hour, and whether anything of it grows."""
