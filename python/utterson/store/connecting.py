"""Why the database cannot be reached, as one sentence without secrets."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from utterson.domain.startup import StartupError


@contextmanager
def connect_faults() -> Iterator[None]:
    """Turn what goes wrong on the way to the database into a sentence for the person who started the process.

    Raises:
        StartupError: without the address, which may hold a password.
    """
    try:
        yield
    except (OSError, TimeoutError) as error:
        raise StartupError(f"the database cannot be reached ({type(error).__name__}): check its address") from None
    except asyncpg.PostgresError as error:
        raise StartupError(f"the database refuses (SQLSTATE {error.sqlstate}, {type(error).__name__})") from None
    except asyncpg.TargetServerAttributeNotMatched:
        raise StartupError("none of the database's hosts is a primary: check its address, or try again") from None
    except asyncpg.InternalClientError as error:
        # The driver's word for a connection that broke while it was being made.
        raise StartupError(f"the database broke the connection off ({type(error).__name__}): try again") from None
    except (asyncpg.InterfaceError, ValueError) as error:
        raise StartupError(f"the database's address is not understood ({type(error).__name__})") from None
