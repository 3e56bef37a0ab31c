"""The log of the process, as it is written."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from utterson.logs import configure_logging
from utterson.settings.logging import LogFormat, LogLevel


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process's log got."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging(LogLevel.INFO, LogFormat.JSON)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def messages(log: io.StringIO) -> list[str]:
    """Tell the sentences of what was written."""
    return [json.loads(line)["message"] for line in log.getvalue().splitlines()]
