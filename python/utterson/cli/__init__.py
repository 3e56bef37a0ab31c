"""The command line: `utterson serve`, `utterson demo` and the other commands.

A folder a command, or a file where it is small; `app` lists them.
"""

import sys
from typing import Final

_INTERRUPTED: Final = 130


def main() -> None:
    """Run the command line; a Ctrl-C before a command takes care of it ends the process without a trace."""
    try:
        # In here, so that this holds for the imports too: they take the better part of a second.
        from utterson.cli import app  # noqa: PLC0415

        app.main()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
