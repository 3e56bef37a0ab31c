"""Tests of the embedded Postgres: starting, sharing, and every way of dying."""
