"""The calls of a turn: each gets its own answer, and what one of them breaks the others do not feel."""

import asyncio

import pytest

from tests.application.conftest import WORKSPACE, Replica
from utterson.domain.errors import Reason, UttersonError


async def test_a_refused_call_leaves_its_neighbours_alone(replica: Replica) -> None:
    answers = await replica.batch((WORKSPACE, "add:a"), (WORKSPACE, "refuse"), (WORKSPACE, "add:b"))
    assert [accepted for accepted, _ in answers] == [True, False, True]
    assert answers[1][1] == "NO_USABLE_IDENTIFIER"


@pytest.mark.parametrize("culprit", ["poison:NUL", "panic", "bug"])
async def test_only_the_culprit_of_a_batch_fails(
    replica: Replica, culprit: str, caplog: pytest.LogCaptureFixture
) -> None:
    await replica.call("add:first")
    lines = [f"add:{number}" for number in range(20)]
    lines.insert(11, culprit)
    answers = await asyncio.gather(*(replica.call(line) for line in lines), return_exceptions=True)
    failed = [line for line, answer in zip(lines, answers, strict=True) if isinstance(answer, BaseException)]
    assert failed == [culprit]
    error = answers[11]
    assert isinstance(error, UttersonError)
    assert error.reason is Reason.INTERNAL_FAULT
    assert "jekyll" not in caplog.text
    assert "jekyll" not in str(error)
    assert error.message.split()[-1] in caplog.text
    assert (await replica.call("read:19"))["serial"] > 0
