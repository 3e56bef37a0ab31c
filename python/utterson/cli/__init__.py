"""The command line: `utterson serve`, `utterson demo` and the other commands.

A folder a command, or a file where it is small; `app` lists them.
"""

import os
import sys
from typing import Final

_INTERRUPTED: Final = 130

# gRPC takes care that a process which was forked may go on calling. Nothing here forks but to run another program, such
# as the embedded Postgres, and gRPC's care makes that one crash now and then before it begins. Read by gRPC when it is
# first imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


def main() -> None:
    """Run the command line; a Ctrl-C before a command takes care of it ends the process without a trace."""
    try:
        # In here, so that this holds for the imports too: they take the better part of a second.
        from utterson.cli import app  # noqa: PLC0415

        app.main()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
