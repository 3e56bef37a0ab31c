"""The command line: `utterson serve`, `utterson demo`, … One file a command; `app` lists them."""

from utterson.cli.app import main

__all__ = ["main"]
