"""The reference model: a slow, obvious reading of the rules, independent of the Rust core."""
