"""The log takes one line of a kind and second, and tells how many it left out."""

import io
import logging
import sys
import time

import pytest

from tests.unit.conftest import messages
from utterson.logs import configure_logging, once_a_second
from utterson.settings.logging import LogFormat, LogLevel

logger = logging.getLogger("utterson.tests.pace")


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


def test_the_driver_says_of_all_its_pools_together_one_line_a_second(log: io.StringIO) -> None:
    for _ in range(3):
        logging.getLogger("asyncpg.pool").warning("Failed to restore the pool connection floor; retrying")
        logging.getLogger("asyncpg.pool").warning("Pool.close() takes long")
    assert messages(log) == ["Failed to restore the pool connection floor; retrying", "Pool.close() takes long"]


def test_an_exception_stands_beside_its_message(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", log)
    configure_logging(LogLevel.INFO, LogFormat.TEXT)
    try:
        raise ConnectionRefusedError("canary")
    except ConnectionRefusedError:
        logger.exception("away")
    (line,) = log.getvalue().splitlines()
    assert line.endswith("ERROR   utterson.tests.pace: away (ConnectionRefusedError)")
