"""The server of tests/cli, for the modules below."""

from tests.cli.conftest import address

__all__ = ["address"]
