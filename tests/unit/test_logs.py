"""The log takes one line of a kind and second, and tells how many it left out."""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator

import pytest

from utterson.logs import configure_logging, once_a_second
from utterson.settings.logging import LogFormat, LogLevel

logger = logging.getLogger("utterson.tests.pace")


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
    return [json.loads(line)["message"] for line in log.getvalue().splitlines()]


def test_of_a_kind_one_line_a_second_is_written(log: io.StringIO) -> None:
    for number in range(1000):
        logger.warning("workspace %d: away", number, extra=once_a_second("away"))
        logger.warning("workspace %d: full", number, extra=once_a_second("full"))
    logger.warning("of no kind")
    logger.warning("of no kind")
    assert messages(log) == ["workspace 0: away", "workspace 0: full", "of no kind", "of no kind"]


@pytest.mark.parametrize("passed_s", [1.5, -3600])
def test_the_next_line_tells_how_many_were_left_out(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch, passed_s: float
) -> None:
    for number in range(3):
        logger.warning("workspace %d: away", number, extra=once_a_second("away"))
    now_s = time.time()
    monkeypatch.setattr("time.time", lambda: now_s + passed_s)
    monkeypatch.setattr("time.time_ns", lambda: int((now_s + passed_s) * 1e9))
    logger.warning("workspace %d: away", 7, extra=once_a_second("away"))
    assert messages(log) == ["workspace 0: away", "workspace 7: away (and 2 more like this since the last such line)"]
