"""Attacks on HTTP/2 while others call: what they see of it, and what becomes of memory and of what was acknowledged."""
