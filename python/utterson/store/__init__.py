"""Postgres: the only room that knows asyncpg. One statement a file in `sql/`, numbered migrations in `migrations/`."""
