"""A thin, typed front of the Rust core: the only room that imports it."""
