"""Callers of all makes: calls alone, batches, streams, reads, connections that come and go; some give up half way."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import grpc

from tests.soak.pace import Pace, Tally
from tests.soak.people import People
from utterson.v1 import identity_service_pb2 as pb
from utterson.v1 import profile_service_pb2 as profile_pb
from utterson.v1.identity_service_pb2_grpc import IdentityServiceStub
from utterson.v1.profile_service_pb2_grpc import ProfileServiceStub

CANCELLED_SHARE: Final = 0.05
GIVE_UP_S_MAX: Final = 0.02
TIMEOUT_S: Final = 20.0
BATCH_CALLS: Final = 20
STREAM_CALLS: Final = 20
STREAM_MESSAGES: Final = 50
PAUSE_S: Final = 0.05
OPTIONS: Final = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
# What a rule refuses is answered as it should be.
BY_RULE: Final = frozenset(
    {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT}
)
METHODS: Final = {"identify": "Identify", "track": "Track", "login": "Login", "logout": "Logout", "modify": "Modify"}


class Connection:
    """A connection of its own, and what is called on it.

    Args:
        address: of the server.
        people: whom it may call about.
        pace: when calls may begin.
        tally: what they come to.
        chance: draws who gives up, and when.
    """

    def __init__(self, address: str, people: Sequence[People], pace: Pace, tally: Tally, chance: random.Random) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._identity: Any = IdentityServiceStub(self._channel)
        self._profiles: Any = ProfileServiceStub(self._channel)
        self._people = people
        self._pace = pace
        self._tally = tally
        self._chance = chance

    async def close(self) -> None:
        """Close it, whatever is under way."""
        await self._channel.close()

    async def alone(self) -> None:
        """Make one call of the hot path."""
        people = self._chance.choice(self._people)
        await self._pace.take()
        if self._chance.random() < 0.1:
            await self._made(self._identity.Search, people.search())
            return
        call = people.call()
        kind = call.WhichOneof("call")
        assert kind is not None
        answer = await self._made(getattr(self._identity, METHODS[kind]), getattr(call, kind))
        if answer is not None and answer.resolution.profile_id:
            people.saw(answer.resolution.profile_id)

    async def read(self) -> None:
        """Ask for a profile, several, its events, its history."""
        people = self._chance.choice(self._people)
        profile = people.profile()
        await self._pace.take()
        if profile is None:
            await self._made(self._identity.Search, people.search())
            return
        named: dict[str, Any] = {"workspace": people.workspace, "profile_id": profile}
        reads: list[tuple[Any, Any]] = [
            (self._profiles.GetProfile, profile_pb.GetProfileRequest(**named)),
            (self._profiles.ListEvents, profile_pb.ListEventsRequest(page_size=20, **named)),
            (self._profiles.ListHistory, profile_pb.ListHistoryRequest(page_size=20, **named)),
        ]
        several = [profile, people.profile() or profile]
        many = profile_pb.BatchGetProfilesRequest(workspace=people.workspace, profile_ids=several)
        reads.append((self._profiles.BatchGetProfiles, many))
        await self._made(*self._chance.choice(reads))

    async def batch(self) -> None:
        """Make several calls in one message, of two workspaces now and then."""
        some, others = self._chance.choice(self._people), self._chance.choice(self._people)
        await self._pace.take(BATCH_CALLS)
        calls = some.calls(BATCH_CALLS // 2) + others.calls(BATCH_CALLS // 2)
        await self._made(self._identity.BatchResolve, pb.BatchResolveRequest(calls=calls), BATCH_CALLS)

    async def stream(self) -> None:
        """Send some messages in a stream, which is given up in the middle now and then."""
        people = self._chance.choice(self._people)
        gives_up = self._chance.random() < CANCELLED_SHARE
        given_up_at = self._chance.randrange(STREAM_MESSAGES) if gives_up else STREAM_MESSAGES + 1
        call = self._identity.StreamResolve(self._messages(people), timeout=TIMEOUT_S)
        answers = 0
        try:
            async for _ in call:
                self._tally.answered(0.0, STREAM_CALLS)
                answers += 1
                if answers >= given_up_at:
                    call.cancel()
        except asyncio.CancelledError:
            self._cancelled(call)
        except grpc.aio.AioRpcError as error:
            await self._refused(error)

    async def _messages(self, people: People) -> AsyncIterator[pb.StreamResolveRequest]:
        for sequence in range(STREAM_MESSAGES):
            await self._pace.take(STREAM_CALLS)
            yield pb.StreamResolveRequest(
                sequence=sequence, workspace=people.workspace, calls=people.calls(STREAM_CALLS)
            )

    async def _made(self, method: Any, request: Any, calls: int = 1) -> Any:
        """Make a call, or give up before it is answered; tell the answer."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        call = method(request, timeout=TIMEOUT_S)
        if self._chance.random() < CANCELLED_SHARE:
            loop.call_later(self._chance.uniform(0, GIVE_UP_S_MAX), call.cancel)
        try:
            answer = await call
        except asyncio.CancelledError:
            self._cancelled(call)
            return None
        except grpc.aio.AioRpcError as error:
            await self._refused(error)
            return None
        self._tally.answered(began_s, calls)
        return answer

    def _cancelled(self, call: Any) -> None:
        """Count a call that was given up; the caller's own end goes on."""
        task = asyncio.current_task()
        if not call.cancelled() or (task is not None and task.cancelling()):
            raise asyncio.CancelledError
        self._tally.cancelled += 1

    async def _refused(self, error: grpc.aio.AioRpcError) -> None:
        told = self._tally.refused if error.code() in BY_RULE else self._tally.failed
        told[f"{error.code().name} {error.details()}"] += 1
        if error.code() not in BY_RULE:
            await asyncio.sleep(PAUSE_S)


class Load:
    """All callers of a run.

    Args:
        address: of the server.
        people: the workspaces' people.
        callers: how many of each make.
    """

    def __init__(self, address: str, people: Sequence[People], callers: int) -> None:
        self.pace = Pace()
        self.tally = Tally()
        self._address = address
        self._people = people
        self._callers = callers
        self._chance = random.Random(1)

    @asynccontextmanager
    async def calling(self, pace: Pace) -> AsyncIterator[None]:
        """Have all call at a pace for as long as the context lasts."""
        self.pace = pace
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            makes: list[Callable[[Connection], Awaitable[None]]] = [
                Connection.alone, Connection.alone, Connection.read, Connection.batch, Connection.stream,
            ]  # fmt: skip
            tasks = []
            for number in range(self._callers * len(makes)):
                if number % self._callers == 0:
                    connection = self._connected()
                    stack.push_async_callback(connection.close)
                tasks.append(group.create_task(_again(connection, makes[number // self._callers])))
            tasks.append(group.create_task(self._come_and_go()))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    def _connected(self) -> Connection:
        return Connection(self._address, self._people, self.pace, self.tally, self._chance)

    async def _come_and_go(self) -> None:
        """Connect, make a few calls, and leave: with a stream that has not ended, every other time."""
        while True:
            connection = self._connected()
            try:
                for _ in range(3):
                    await connection.alone()
                if self._chance.random() < 0.5:
                    unread = asyncio.ensure_future(connection.stream())
                    await asyncio.sleep(PAUSE_S)
                    await connection.close()
                    await asyncio.gather(unread, return_exceptions=True)
            finally:
                await connection.close()
            await asyncio.sleep(PAUSE_S)


async def _again(connection: Connection, make: Callable[[Connection], Awaitable[None]]) -> None:
    while True:
        await make(connection)
