"""`utterson demo`: start everything, play both documents, keep serving."""

from typing import Annotated

import typer
import uvloop

from utterson.cli.console import standard_console
from utterson.cli.options import with_settings
from utterson.server.listening import ensure_free
from utterson.settings.process import Settings

_Once = Annotated[bool, typer.Option("--once", help="Stop after the play; the exit code is 1 if a row differs.")]


@with_settings
def demo(settings: Settings, *, once: _Once = False) -> None:
    """Serve the API, play both source documents through it, and keep serving until Ctrl-C."""
    ensure_free(settings.listen)
    # Late, so that the help and wrong settings do not wait for gRPC.
    from utterson.cli.demo.running import run_demo  # noqa: PLC0415

    equal = uvloop.run(run_demo(settings, standard_console(), once=once))
    if once and not equal:
        raise typer.Exit(1)
