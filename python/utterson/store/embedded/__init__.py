"""A real Postgres server that this process starts, shares with others on the same data folder, and leaves stopped.

Nothing here kills a process that it has not recognised as its own, adds an account, or changes rights of a folder
that it has not made.
"""

from utterson.store.embedded.errors import EmbeddedPostgresError
from utterson.store.embedded.supervisor import ConnectArguments, EmbeddedPostgres

__all__ = ["ConnectArguments", "EmbeddedPostgres", "EmbeddedPostgresError"]
