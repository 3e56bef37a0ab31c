"""Bugs that are put in on purpose, and which proof finds them."""
