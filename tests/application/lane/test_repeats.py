"""Repeated calls: answered with what was recorded when they were accepted."""

import asyncio

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from tests.application.fake_engine import digest_of, refused
from tests.application.faulty import execute
from utterson.application.lane.repeats import fill_repeated, recorded_bytes
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.decisions import Answer, ParsedGroup, RepeatedCall, Reply, ReplyForm
from utterson.domain.errors import Reason, UttersonError

REPEATED = RepeatedCall(digest_of("id"), explain=False)
UNKNOWN = RepeatedCall(digest_of("nobody's"), explain=False)


async def test_a_repeated_request_id_answers_what_was_recorded(replica: Replica, other: Replica) -> None:
    first = await replica.call("once:id:x")
    assert await replica.call("once:id:y") == first
    assert await other.call("once:id:z") == first
    answers = await replica.batch((WORKSPACE, "once:new:p"), (WORKSPACE, "once:new:p"), (WORKSPACE, "add:q"))
    assert answers[0] == answers[1]
    assert answers[2] != answers[0]


async def filled(replica: Replica, *answers: Answer) -> Reply:
    """Fill in what was recorded."""
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    group = ParsedGroup(WORKSPACE, range(len(answers)), len(answers), None)
    await fill_repeated(replica.context, (await replica.lane()).keys, group, list(answers), future)
    return await future


async def test_answers_keep_their_places(replica: Replica) -> None:
    await replica.call("once:id:x")
    refusal = refused()
    answers = await filled(replica, b"first", REPEATED, refusal, REPEATED)
    assert isinstance(answers, list)
    assert (answers[0], answers[2]) == (b"first", refusal)
    assert answers[1] == answers[3] != b"first"
    assert isinstance(answers[1], bytes)


async def test_an_answer_that_has_expired_meanwhile_is_told_for_its_call_only(replica: Replica) -> None:
    await replica.call("once:id:x")
    keys = (await replica.lane()).keys
    known, expired = await recorded_bytes(replica.context, keys, [REPEATED, UNKNOWN])
    assert isinstance(known, bytes)
    assert isinstance(expired, UttersonError)
    assert expired.reason is Reason.OUTCOME_UNKNOWN
    answers = await filled(replica, UNKNOWN, b"second")
    assert isinstance(answers, list)
    assert isinstance(answers[0], UttersonError)
    assert answers[1] == b"second"


async def test_an_answer_that_the_tables_lost_is_not_decided_anew(replica: Replica, url: str) -> None:
    await replica.call("once:id:x")
    await execute(url, "DELETE FROM requests")
    assert (await refusal_of(replica.call("once:id:y"))).reason is Reason.OUTCOME_UNKNOWN
    assert (await replica.call("read:y"))["serial"] == 0


async def test_a_database_that_is_away_is_unavailable(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(key: int, digests: list[bytes]) -> dict[bytes, bytes]:
        raise StoreFailureError(FailureKind.UNKNOWN, "08006")

    monkeypatch.setattr(replica.store.log, "request_answers", away)
    assert (await refusal_of(filled(replica, REPEATED))).reason is Reason.STORE_UNAVAILABLE


async def test_a_bug_gets_an_id_instead_of_leaving_the_caller_without_an_answer(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("once:id:x")

    def broken(recorded: bytes, explain: bool) -> bytes:
        raise ValueError("jekyll")

    monkeypatch.setattr(replica.context.engine, "repeated_answer", broken)
    error = await refusal_of(filled(replica, REPEATED))
    assert error.reason is Reason.INTERNAL_FAULT
    assert "jekyll" not in error.message


async def test_the_answer_of_a_unary_request_is_the_whole_response(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    await replica.call("once:id:x")
    monkeypatch.setattr(replica.context.engine, "encode_unary", lambda resolution: b"whole: " + resolution)
    replies = []
    for answer in (REPEATED, UNKNOWN):
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        group = ParsedGroup(WORKSPACE, [0], 1, None, ReplyForm.UNARY)
        await fill_repeated(replica.context, (await replica.lane()).keys, group, [answer], future)
        replies.append(await future)
    assert isinstance(replies[0], bytes)
    assert replies[0].startswith(b"whole: ")
    # A refusal has no response.
    assert isinstance(replies[1], list)


async def test_who_went_away_is_not_answered(replica: Replica) -> None:
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    future.cancel()
    await fill_repeated(
        replica.context, (await replica.lane()).keys, ParsedGroup(WORKSPACE, [0], 1, None), [UNKNOWN], future
    )
    assert future.cancelled()
