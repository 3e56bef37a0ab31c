"""Tests of the use cases on a real Postgres, with an engine that is simple enough to be wrong on purpose."""
