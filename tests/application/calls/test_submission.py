"""A message on its way: every call gets its own result, in the order in which the calls were sent."""

import asyncio
import os
from collections.abc import Sequence

import pytest

from tests.application.conftest import encode_status
from utterson.application.calls.submission import Submission, answered
from utterson.domain.decisions import Answer, ParsedGroup, ParsedMessage, RefusedCall, RepeatedCall, Reply
from utterson.domain.errors import Reason, UttersonError

REFUSED = UttersonError(Reason.NO_USABLE_IDENTIFIER, "refused")
RULED = RefusedCall(b"a rule")
FULL = UttersonError(Reason.QUEUE_FULL, "full")


def group(*positions: int) -> ParsedGroup:
    return ParsedGroup("soho", positions, len(positions), None)


def submission(
    size: int,
    groups: Sequence[ParsedGroup],
    futures: list["asyncio.Future[Reply]"],
    faults: Sequence[tuple[int, bytes]] = (),
) -> Submission:
    return Submission(ParsedMessage(size, 7, list(groups), list(faults)), futures, os.urandom)


def failed(error: Exception) -> "asyncio.Future[Reply]":
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def whole(response: bytes) -> "asyncio.Future[Reply]":
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    future.set_result(response)
    return future


async def test_results_are_in_the_order_of_the_calls() -> None:
    made = submission(
        6, [group(0, 3), group(4, 1, 5)], [answered([b"a", b"d"]), answered([b"e", REFUSED, RULED])], [(2, b"no call")]
    )
    refused, ruled = (False, b"NO_USABLE_IDENTIFIER"), (False, b"a rule")
    results = await made.reply(encode_status)
    assert results == [(True, b"a"), refused, (False, b"no call"), (True, b"d"), (True, b"e"), ruled]
    assert made.sequence == 7


async def test_an_empty_message_has_no_results() -> None:
    assert await submission(0, [], []).reply(encode_status) == []


async def test_a_whole_response_is_passed_on_as_it_is() -> None:
    assert await submission(2, [group(0, 1)], [whole(b"response")]).reply(encode_status) == b"response"


async def test_a_whole_response_of_one_group_of_several_is_a_bug() -> None:
    made = submission(2, [group(0), group(1)], [whole(b"response"), answered([b"b"])])
    with pytest.raises(TypeError):
        await made.reply(encode_status)


async def test_a_refusal_of_a_group_is_that_of_each_of_its_calls_only() -> None:
    made = submission(3, [group(0, 2), group(1)], [failed(FULL), answered([b"b"])])
    full = (False, b"QUEUE_FULL")
    assert await made.reply(encode_status) == [full, (True, b"b"), full]


async def test_a_refusal_of_many_calls_is_encoded_once() -> None:
    encoded: list[UttersonError] = []

    def counted(error: UttersonError) -> bytes:
        encoded.append(error)
        return encode_status(error)

    made = submission(1_000, [group(*range(1_000))], [failed(FULL)])
    assert await made.reply(counted) == [(False, b"QUEUE_FULL")] * 1_000
    assert encoded == [FULL]


async def test_what_is_no_refusal_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        await submission(1, [group(0)], [failed(ZeroDivisionError())]).reply(encode_status)


async def test_a_repeated_call_that_nobody_looked_up_is_a_bug() -> None:
    answers: list[Answer] = [RepeatedCall(bytes(16), explain=False)]
    with pytest.raises(TypeError):
        await submission(1, [group(0)], [answered(answers)]).reply(encode_status)


async def test_a_call_that_nobody_accounts_for_gets_a_fault_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    made = submission(2, [group(1)], [answered([b"b"])])
    assert await made.reply(encode_status) == [(False, b"INTERNAL_FAULT"), (True, b"b")]
    assert "fault " in caplog.text


async def test_all_groups_are_waited_for() -> None:
    late: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(submission(2, [group(0), group(1)], [answered([b"a"]), late]).reply(encode_status))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    late.set_result([b"b"])
    assert await waiting == [(True, b"a"), (True, b"b")]


async def test_who_goes_away_drops_what_is_not_decided() -> None:
    late: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(submission(1, [group(0)], [late]).reply(encode_status))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert late.cancelled()
