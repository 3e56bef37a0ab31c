"""Bytes of any kind through whatever takes bytes: the targets in Rust, page tokens here, and the command for all."""
