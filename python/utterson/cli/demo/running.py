"""The demo from start to stop: the whole server, the play as its client, then serving until told to stop."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from rich.console import Console
from rich.text import Text

from utterson import main
from utterson.cli.demo.hints import print_hints
from utterson.cli.demo.playing import play
from utterson.cli.failing import CommandError
from utterson.client import CallRefused, UttersonClient
from utterson.domain.startup import StartupError
from utterson.logs import configure_logging
from utterson.settings.logging import LogLevel
from utterson.settings.process import Settings

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - read, not bound


async def run_demo(settings: Settings, console: Console, *, once: bool) -> bool:
    """Run the demo until Ctrl-C, or until the play ends.

    Args:
        settings: the server's.
        console: where to tell it.
        once: stop the server after the play.

    Returns:
        Whether every row was played and equals its document.

    Raises:
        StartupError: the server cannot start.
        CommandError: the play broke off.
    """
    # The server's own lines would stand between the tables, unless somebody asked for them.
    configure_logging(
        settings.log_level if "log_level" in settings.model_fields_set else LogLevel.WARNING, settings.log_format
    )
    what = "Postgres and the server" if settings.database_address is None else "the server"
    console.print(Text(f"Starting {what} …", style="dim"))
    async with _stop_signal() as stop:
        try:
            return await _serve_and_play(settings, console, stop, once=once)
        except StartupError:
            if stop.is_set():  # a start that Ctrl-C broke off is no failure
                return False
            raise


async def _serve_and_play(settings: Settings, console: Console, stop: asyncio.Event, *, once: bool) -> bool:
    async with main.running(settings) as server:
        host = settings.listen.rpartition(":")[0]
        address = f"{_ANY_ADDRESS.get(host, host)}:{server.port}"
        equal = await _play_unless_stopped(console, address, stop)
        if not once and not stop.is_set():
            if not settings.serves_reflection:
                console.print(Text("grpcurl needs the API's description here: start with --reflection on", style="dim"))
            console.print(Text(f"Serving on {address}. Ctrl-C stops it.", style="bold"))
            await stop.wait()
        return equal


async def _play_unless_stopped(console: Console, address: str, stop: asyncio.Event) -> bool:
    playing = asyncio.create_task(_play_all(console, address), name="play")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return playing.done() and playing.result()
    finally:
        playing.cancel()
        stopping.cancel()
        await asyncio.gather(playing, stopping, return_exceptions=True)


async def _play_all(console: Console, address: str) -> bool:
    run_id = secrets.token_hex(4)
    try:
        async with UttersonClient(address) as client:
            performances = await play(client, console, run_id)
    except CallRefused as refusal:
        raise CommandError(f"the play broke off: {refusal}") from None
    print_hints(console, address, performances)
    return all(performance.equal for performance in performances)


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    """Answer an event that the first SIGINT or SIGTERM sets; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        remove()

    def remove() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield stop
    finally:
        remove()
