"""What nobody handles is told by kind and place: its text may quote values."""

import asyncio
import gc
import logging
import threading

import pytest

from utterson.server.unhandled import unhandled_told

VALUE = "ed.hyde@example.com"


def breaks() -> None:
    raise ValueError(VALUE)


async def breaks_in_a_task() -> None:
    breaks()


async def leave_a_broken_task() -> None:
    task = asyncio.create_task(breaks_in_a_task())
    await asyncio.wait({task})
    del task


class Breaks:
    def __del__(self) -> None:
        breaks()


async def test_nothing_is_printed(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    loop = asyncio.get_running_loop()
    with unhandled_told(loop), caplog.at_level(logging.ERROR):
        await leave_a_broken_task()
        gc.collect()
        loop.call_soon(lambda value: breaks(), VALUE)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        thread = threading.Thread(target=breaks)
        thread.start()
        thread.join()
        Breaks()
        loop.call_exception_handler({"message": f"Task was destroyed <Task {VALUE}>"})
    told = [record.getMessage() for record in caplog.records if record.name == "utterson.server.unhandled"]
    kinds = ["in the event loop"] * 2 + ["in a thread", "while something was thrown away", "Task was destroyed"]
    assert [line.partition(", ")[2].partition(":")[0] for line in told] == kinds
    assert all("ValueError at breaks:" in line or "breaks" in line for line in told[:4])
    written = capfd.readouterr()
    assert VALUE not in caplog.text + written.out + written.err
    assert "never retrieved" not in written.err


async def test_afterwards_all_is_as_before() -> None:
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler(), threading.excepthook
    with unhandled_told(loop):
        assert threading.excepthook is not before[1]
    assert (loop.get_exception_handler(), threading.excepthook) == before
