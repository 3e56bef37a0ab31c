"""`utterson serve`: run the server until it is told to stop."""

from collections.abc import Callable

import uvloop

from utterson.cli.options import with_settings
from utterson.server.listening import ensure_free
from utterson.settings.process import Settings


@with_settings
def serve(settings: Settings, load: Callable[[], Settings]) -> None:
    """Serve the API on the embedded Postgres, or on the database of --database-url."""
    ensure_free(settings.listen)
    # Late, so that the help and wrong settings do not wait for gRPC.
    from utterson import main  # noqa: PLC0415

    uvloop.run(main.serve(settings, load))
