"""The log tells how an import gets on: its calls together, apart from others, and what came of it."""

import asyncio
import logging
import re

import pytest

from tests.application.conftest import WORKSPACE, Replica, stream
from utterson.application.progress import ImportProgress
from utterson.domain.errors import UttersonError
from utterson.domain.imports import ImportPart

EVERY_S = 0.05
OWN = (
    "workspace chelsea: ",
    "workspace mayfair: ",
    f"workspace {WORKSPACE}: import 1 ",
    f"workspace {WORKSPACE}: import 2 ",
)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, at the level at which imports are told."""
    caplog.set_level(logging.INFO, "utterson.application")
    return caplog


def unhurried(line: str) -> str:
    """Take rates and times out of a line."""
    return re.sub(r"[\d,.]+ (a second|s\b)", r"N \1", line)


def lines_of(told: pytest.LogCaptureFixture) -> list[str]:
    """Give the lines of this file's imports: an import of a test before may be told as over meanwhile."""
    lines = [record.getMessage() for record in told.records]
    return [line for line in lines if line.startswith(OWN)]


async def told_of(told: pytest.LogCaptureFixture, lines: int) -> None:
    """Wait until so many lines were told."""
    async with asyncio.timeout(5):
        while len(lines_of(told)) < lines:
            await asyncio.sleep(EVERY_S / 5)


async def told_to_the_end(told: pytest.LogCaptureFixture, overs: int) -> list[str]:
    """Wait until so many imports are over."""
    async with asyncio.timeout(5):
        while sum(" over: " in line for line in lines_of(told)) < overs:
            await asyncio.sleep(EVERY_S / 5)
    return lines_of(told)


async def test_calls_of_one_import_are_told_together(told: pytest.LogCaptureFixture) -> None:
    progress = ImportProgress(EVERY_S)
    part = ImportPart("3f2a", 9_000)
    with progress.call("chelsea", part) as call:
        call.receive(2_000)
        call.take_over()
    with progress.call("chelsea", part) as call:
        call.receive(1_000)
        await told_of(told, 1)
        call.take_over()
    lines = [unhurried(line) for line in await told_to_the_end(told, 1)]
    assert [lines[0], lines[-1]] == [
        "workspace chelsea: import 3f2a: 3,000 of about 9,000 profiles, N a second, about N s left; "
        "2,000 taken over in 1 call",
        "workspace chelsea: import 3f2a over: 3,000 profiles, N a second, in 2 calls and N s",
    ]


async def test_rate_and_time_left_are_of_the_clock(told: pytest.LogCaptureFixture) -> None:
    progress = ImportProgress(0.5)
    with progress.call("chelsea", ImportPart("3f2a", 4_000)) as call:
        call.receive(1_000)
        await told_of(told, 1)
    found = re.search(r"([\d,]+) a second, about ([\d,]+) s left", lines_of(told)[0])
    assert found is not None
    # After half a second, or a little later.
    assert 200 < int(found[1].replace(",", "")) <= 2_000
    assert 2 <= int(found[2]) < 15


async def test_imports_are_told_apart(told: pytest.LogCaptureFixture) -> None:
    progress = ImportProgress(EVERY_S)
    with progress.call("chelsea", ImportPart("1")) as one, progress.call("chelsea", ImportPart("2")) as two:
        one.receive(1)
        two.receive(2)
        one.take_over()
        two.take_over()
        with progress.call("mayfair", ImportPart("1")) as three:
            three.receive(3)
            three.take_over()
            await told_of(told, 3)
    lines = await told_to_the_end(told, 3)
    assert {line.split(",")[0] for line in lines if " over: " not in line} == {
        "workspace chelsea: import 1: 1 profiles",
        "workspace chelsea: import 2: 2 profiles",
        "workspace mayfair: import 1: 3 profiles",
    }
    assert not any("left" in line for line in lines)


async def test_what_comes_after_a_pause_is_an_import_of_its_own(told: pytest.LogCaptureFixture) -> None:
    progress = ImportProgress(EVERY_S)
    for overs in (1, 2):
        with progress.call("chelsea", ImportPart()) as call:
            call.receive(5)
            call.take_over()
        lines = [unhurried(line) for line in await told_to_the_end(told, overs)]
        assert lines == ["workspace chelsea: import over: 5 profiles, N a second, in 1 call and N s"] * overs


async def test_the_use_case_counts_what_it_takes_over_and_not_what_it_refuses(
    replica: Replica, told: pytest.LogCaptureFixture
) -> None:
    replica.imports._progress = ImportProgress(EVERY_S)  # five seconds are too long for a test
    with pytest.raises(UttersonError):
        await replica.imports.import_profiles(WORKSPACE, stream(b"a", b"bad"), ImportPart("1"))
    await replica.imports.import_profiles(WORKSPACE, stream(b"canary-1", b"canary-2"), ImportPart("2"))
    expected = {
        f"workspace {WORKSPACE}: import 1 over: nothing was taken over; 1 call refused",
        f"workspace {WORKSPACE}: import 2 over: 2 profiles, N a second, in 1 call and N s",
    }
    async with asyncio.timeout(5):
        while not (lines := {unhurried(line) for line in lines_of(told)}) >= expected:
            await asyncio.sleep(EVERY_S / 5)
    assert not any("canary" in line for line in lines)
