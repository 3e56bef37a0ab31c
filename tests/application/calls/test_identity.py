"""Batches over several workspaces, and streams: order, window, refusals."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of, replica_on
from utterson.domain.errors import Reason, UttersonError
from utterson.settings.lanes import LaneSettings


def message(sequence: int, *calls: tuple[str, str]) -> bytes:
    return json.dumps({"sequence": sequence, "calls": calls}).encode()


async def test_an_unknown_workspace(replica: Replica) -> None:
    assert (await refusal_of(replica.call("add:x", "nowhere"))).reason is Reason.WORKSPACE_NOT_FOUND
    assert (await refusal_of(replica.call("refuse", "nowhere"))).reason is Reason.NO_USABLE_IDENTIFIER


async def test_a_batch_over_several_workspaces_keeps_the_order_of_its_calls(replica: Replica) -> None:
    await replica.workspaces.create_workspace("acme", b"policy", None)
    answers = await replica.batch(
        (WORKSPACE, "add:a"), ("acme", "add:b"), ("nowhere", "add:c"), ("nowhere", "refuse"), (WORKSPACE, "add:d"),
        ("acme", "refuse"),
    )  # fmt: skip
    told = [json.loads(text)["value"] if accepted else text for accepted, text in answers]
    assert told == ["a", "b", "WORKSPACE_NOT_FOUND", "NO_USABLE_IDENTIFIER", "d", "NO_USABLE_IDENTIFIER"]


async def test_a_batch_without_room_is_refused_as_one_and_whole(replica: Replica, url: str) -> None:
    async with replica_on(url, LaneSettings(queue_calls_max=5)) as small:
        await small.workspaces.create_workspace("acme", b"policy", None)
        await small.state()
        blocker = await asyncpg.connect(url)
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM workspaces FOR UPDATE")
            waiting = [asyncio.create_task(small.call("add:0"))]
            await asyncio.sleep(0.05)
            waiting += [asyncio.create_task(small.call(f"add:{number}")) for number in range(1, 5)]
            await asyncio.sleep(0.05)
            full = small.batch(("acme", "add:a"), (WORKSPACE, "add:b"), (WORKSPACE, "add:c"))
            refused = await refusal_of(asyncio.wait_for(full, 5))
        await blocker.close()
        assert refused.reason is Reason.QUEUE_FULL
        assert refused.retry_after_ms is not None
        await asyncio.gather(*waiting)
        # Nothing of it was taken, nor in the workspace that had room.
        assert (await small.call("read:a", "acme"))["serial"] == 0
        assert (await small.batch(("acme", "add:a"), (WORKSPACE, "add:b")))[0][0]


async def test_a_batch_is_one_refusal_where_the_server_stops(replica: Replica) -> None:
    await replica.state()
    await replica.lanes.close(1.0)
    assert (await refusal_of(replica.batch((WORKSPACE, "add:a")))).reason is Reason.SHUTTING_DOWN
    assert (await refusal_of(replica.batch(("nowhere", "add:a")))).reason is Reason.SHUTTING_DOWN


async def test_a_malformed_batch_is_refused_whole(replica: Replica) -> None:
    with pytest.raises(UttersonError) as caught:
        await replica.identity.resolve_batch(b"malformed")
    assert caught.value.reason is Reason.MALFORMED_REQUEST


async def test_a_stream_answers_in_order(replica: Replica) -> None:
    async def requests() -> AsyncIterator[bytes]:
        for number in range(100):
            yield message(number, *((WORKSPACE, f"add:{number}-{part}") for part in range(10)))

    answers = [json.loads(answer) async for answer in replica.identity.resolve_stream(requests())]
    assert [sequence for sequence, _ in answers] == list(range(100))
    serials = [json.loads(text)["serial"] for _, results in answers for accepted, text in results if accepted]
    assert serials == list(range(1, 1001))


async def test_messages_of_a_stream_share_commits(replica: Replica) -> None:
    async def requests() -> AsyncIterator[bytes]:
        for number in range(64):
            yield message(number, (WORKSPACE, f"add:{number}"))

    assert len([answer async for answer in replica.identity.resolve_stream(requests())]) == 64
    assert (await replica.state()).head.seq < 32


async def test_the_window_of_a_stream_is_bounded(replica: Replica) -> None:
    """A caller that reads no answers is not read either."""
    read = 0

    async def requests() -> AsyncIterator[bytes]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield message(number, (WORKSPACE, f"add:{number}"))

    answers = replica.identity.resolve_stream(requests())
    await anext(answers)
    await asyncio.sleep(0.3)
    assert read <= replica.context.limits.stream_messages_max + 2
    await answers.aclose()  # type: ignore[attr-defined]


async def test_a_stream_waits_where_the_queue_is_full(replica: Replica, url: str) -> None:
    async def requests() -> AsyncIterator[bytes]:
        for number in range(50):
            yield message(number, *((WORKSPACE, f"add:{number}-{part}") for part in range(10)))

    async with replica_on(url, LaneSettings(queue_calls_max=20)) as small:
        answers = [json.loads(answer) async for answer in small.identity.resolve_stream(requests())]
    assert all(accepted for _, results in answers for accepted, _ in results)


async def test_a_malformed_message_ends_the_stream_after_the_answers_before_it(replica: Replica) -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield message(1, (WORKSPACE, "add:a"))
        yield b"malformed"
        yield message(2, (WORKSPACE, "add:b"))

    answers = replica.identity.resolve_stream(requests())
    assert json.loads(await anext(answers))[0] == 1
    with pytest.raises(UttersonError) as caught:
        await anext(answers)
    assert caught.value.reason is Reason.MALFORMED_REQUEST


async def test_a_caller_that_breaks_off_a_stream_ends_its_reading(replica: Replica) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def requests() -> AsyncIterator[bytes]:
        try:
            yield message(1, (WORKSPACE, "add:a"))
            started.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def consume() -> None:
        async for _ in replica.identity.resolve_stream(requests()):
            pass

    task = asyncio.create_task(consume())
    await started.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    async with asyncio.timeout(2):
        await ended.wait()


async def test_a_stream_whose_source_breaks_does_not_hang(replica: Replica) -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield message(1, (WORKSPACE, "add:a"))
        raise ConnectionResetError

    async with asyncio.timeout(5):
        with pytest.raises(ConnectionResetError):
            async for _ in replica.identity.resolve_stream(requests()):
                pass
