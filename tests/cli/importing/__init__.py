"""`utterson import`."""
