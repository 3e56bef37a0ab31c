"""Clients that call until they are told to stop, in all three ways: unary, batch and stream."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import grpc

from tests.crashes.calls import Caller, Sent
from utterson.client.refusal import refusal_of
from utterson.v1 import error_reason_pb2, identity_service_pb2_grpc
from utterson.v1 import identity_service_pb2 as pb

CALL_TIMEOUT_S = 20.0
FAILURE_PAUSE_S = 0.02
BATCH_CALLS = 8
# Several such messages are enough to be decided while a commit is under way.
STREAM_CALLS = 60
STREAM_WINDOW = 4
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_retries", 0),
    # Every client has a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
)


class Client:
    """One caller with a connection of its own; never repeats a call by itself."""

    def __init__(self, address: str, caller: Caller) -> None:
        self._caller = caller
        self._channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub = identity_service_pb2_grpc.IdentityServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()

    async def unary(self, sent: Sent) -> None:
        """Make one call."""
        methods: dict[str, Any] = {
            "identify": self._stub.Identify,
            "login": self._stub.Login,
            "logout": self._stub.Logout,
            "track": self._stub.Track,
            "modify": self._stub.Modify,
        }
        which = sent.call.WhichOneof("call")
        assert which is not None
        try:
            answer = await methods[which](getattr(sent.call, which), timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            await _refused([sent], error)
            return
        sent.answer = answer.resolution.SerializeToString(deterministic=True)

    async def batch(self, calls: Sequence[Sent]) -> None:
        """Make several calls in one message."""
        request = pb.BatchResolveRequest(workspace=self._caller.workspace, calls=[sent.call for sent in calls])
        try:
            answer = await self._stub.BatchResolve(request, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            await _refused(calls, error)
            return
        _answered(calls, answer.results)

    async def run_unary(self, stop: asyncio.Event) -> None:
        """Make one call after the other."""
        while not stop.is_set():
            await self.unary(self._caller.make())

    async def run_batches(self, stop: asyncio.Event) -> None:
        """Send one batch after the other."""
        while not stop.is_set():
            await self.batch(self._caller.many(BATCH_CALLS))

    async def run_streams(self, stop: asyncio.Event) -> None:
        """Keep a stream open, several messages on their way; open another where it breaks."""
        while not stop.is_set():
            feed = _Feed(self._caller, stop)
            try:
                async for answer in self._stub.StreamResolve(feed.messages(), timeout=CALL_TIMEOUT_S):
                    _answered(feed.on_their_way.pop(0), answer.results)
                    feed.slots.release()
            except grpc.aio.AioRpcError as error:
                await _refused([sent for calls in feed.on_their_way for sent in calls], error)
            finally:
                feed.end()
                await asyncio.sleep(0)


class _Feed:
    """The messages of one stream; a bounded number is on its way."""

    def __init__(self, caller: Caller, stop: asyncio.Event) -> None:
        self.on_their_way: list[list[Sent]] = []
        self.slots = asyncio.Semaphore(STREAM_WINDOW)
        self._caller = caller
        self._stop = stop
        self._ended = False

    async def messages(self) -> AsyncIterator[pb.StreamResolveRequest]:
        """Make messages until told to stop, or until the stream has ended."""
        while not self._stop.is_set():
            await self.slots.acquire()
            if self._ended:
                return
            calls = self._caller.many(STREAM_CALLS)
            self.on_their_way.append(calls)
            yield pb.StreamResolveRequest(workspace=self._caller.workspace, calls=[sent.call for sent in calls])

    def end(self) -> None:
        """Wake whoever waits for a slot: nobody reads messages any more."""
        self._ended = True
        self.slots.release()


def _answered(calls: Sequence[Sent], results: Sequence[pb.CallResult]) -> None:
    assert len(calls) == len(results)
    for sent, result in zip(calls, results, strict=True):
        if result.HasField("resolution"):
            sent.answer = result.resolution.SerializeToString(deterministic=True)
        else:
            sent.refusal = f"{result.error.code} {result.error.message}"


async def _refused(calls: Sequence[Sent], error: grpc.aio.AioRpcError) -> None:
    refusal = refusal_of(error)
    reason = error_reason_pb2.ErrorReason.Name(refusal.reason).removeprefix("ERROR_REASON_")
    for sent in calls:
        sent.refusal = f"{refusal.code.name} {reason}"
    await asyncio.sleep(FAILURE_PAUSE_S)


@asynccontextmanager
async def load_on(address: str, caller: Caller, *, clients: int = 6) -> AsyncIterator[None]:
    """Keep clients calling for as long as the context lasts; leaving it waits for their last answers."""
    stop = asyncio.Event()
    opened = [Client(address, caller) for _ in range(clients)]
    ways = [Client.run_unary, Client.run_batches, Client.run_streams]
    tasks = [asyncio.create_task(ways[number % len(ways)](client, stop)) for number, client in enumerate(opened)]
    try:
        yield
    finally:
        stop.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for client in opened:
            await client.__aexit__(None, None, None)
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome
