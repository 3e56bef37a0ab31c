"""Postgres: the only room that knows asyncpg.

One statement a file in `sql/`, one current body a function in `functions/`, numbered migrations in `migrations/`.
"""
