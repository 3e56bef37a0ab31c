"""The console that commands print to."""

import sys
from io import TextIOWrapper
from typing import Final

from rich.console import Console

WIDTH: Final = 100


def standard_console() -> Console:
    """Make a console on standard output: colours only on a terminal, never wider than people like to read."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal without Unicode shows question marks instead of ending the command.
        sys.stdout.reconfigure(errors="replace")
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console
