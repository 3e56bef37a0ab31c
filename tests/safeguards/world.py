"""What a check works with: an empty database, writers on it, and replicas with the real engine."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from tests.store.conftest import ANY_CLOCK, Chain, new_chain
from utterson.application.calls.batch import CallBatch
from utterson.application.calls.identity import IdentityService
from utterson.application.lane.context import LaneContext
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.domain.calls import CallKind
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, Head, StoreFailureError
from utterson.engine.core_engine import REQUEST_RETENTION_US, CoreEngine
from utterson.server.refusals import encode_status
from utterson.settings.lanes import LaneSettings
from utterson.store.open_store import Store, open_store
from utterson.store.pool import pass_columns_through
from utterson.v1 import identifier_pb2, resolution_pb2
from utterson.v1 import identity_service_pb2 as pb

WORKSPACE = "soho"
TABLES = ("log", "log_payload", "profiles", "identifiers", "traits", "events", "history", "requests", "policies")


class Meddler:
    """Stands between a lane and the writer."""

    def __init__(self, commits: Any) -> None:
        self._commits = commits
        # Called before each commit is sent; a commit that it makes fail never arrives.
        self.before: Callable[[Commit], Any] | None = None
        self.lose_answers = 0
        # How many commits end in an exception that nobody foresaw, after they took effect.
        self.break_off = 0
        self.sent: list[Commit] = []

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        self.sent.append(commit)
        if self.before is not None:
            await self.before(commit)
        outcome: CommitOutcome = await self._commits.commit(commit, timeout_s)
        if self.break_off > 0:
            self.break_off -= 1
            raise RuntimeError("nobody foresaw this")
        if self.lose_answers > 0:
            self.lose_answers -= 1
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return outcome

    async def commit_locked(self, keys: Any, decide: Any, timeout_s: float) -> CommitOutcome:
        outcome: CommitOutcome = await self._commits.commit_locked(keys, decide, timeout_s)
        return outcome


@dataclass
class Replica:
    """One server process, without its server: the real engine, lanes and store."""

    identity: IdentityService
    lanes: Lanes
    store: Store
    meddler: Meddler

    async def identify(
        self, value: str, *, request_id: str = "", consistency: int = resolution_pb2.CONSISTENCY_UNSPECIFIED
    ) -> resolution_pb2.Resolution:
        """Make an Identify call with one e-mail address."""
        request = pb.IdentifyRequest(
            workspace=WORKSPACE,
            identifiers=[identifier_pb2.Identifier(type="email", value=value)],
            request_id=request_id,
            consistency=resolution_pb2.Consistency.ValueType(consistency),
        )
        answer = await self.identity.resolve(CallKind.IDENTIFY, request.SerializeToString())
        return pb.IdentifyResponse.FromString(answer).resolution

    async def track(self, value: str, name: str, *, request_id: str = "") -> resolution_pb2.Resolution:
        """Make a Track call with one e-mail address."""
        request = pb.TrackRequest(
            workspace=WORKSPACE,
            identifiers=[identifier_pb2.Identifier(type="email", value=value)],
            event=pb.Event(name=name),
            request_id=request_id,
        )
        answer = await self.identity.resolve(CallKind.TRACK, request.SerializeToString())
        return pb.TrackResponse.FromString(answer).resolution

    async def lane(self) -> Lane:
        """The workspace's lane, its state loaded."""
        lane = await self.lanes.lane(WORKSPACE)
        await lane.reach(0)
        return lane

    async def head(self) -> Head:
        """Where the state stands."""
        state = (await self.lane()).state
        assert state is not None
        return state.head


@dataclass
class World:
    """One check's own database."""

    url: str
    store: Store
    connection: "asyncpg.Connection[asyncpg.Record]"
    replicas: list[Replica] = field(default_factory=list)

    async def chain(self) -> Chain:
        """Make a workspace that a bare writer writes."""
        return await new_chain(self.store, WORKSPACE)

    async def replica(self) -> Replica:
        """Start one more replica; the first makes the workspace."""
        opened = await open_store(self.url, ANY_CLOCK, REQUEST_RETENTION_US)
        meddler = Meddler(opened.commits)
        store = replace(opened, commits=meddler)  # type: ignore[arg-type]  # the use cases see a Protocol
        context = LaneContext(
            engine=CoreEngine(),
            store=store,
            clock_us=lambda: time.time_ns() // 1000,
            entropy=os.urandom,
            limits=LaneSettings(commit_timeout_ms=600),
            heads=HeadReader(opened.log),
            load_slots=asyncio.Semaphore(3),
        )
        lanes = Lanes(context, CallBatch)
        if not self.replicas:
            await WorkspacesService(lanes, context).create_workspace(WORKSPACE, None, "identity_graph_rules")
        made = Replica(IdentityService(lanes, context, encode_status), lanes, opened, meddler)
        self.replicas.append(made)
        return made

    async def rows(self) -> dict[str, int]:
        """Count the rows of every table."""
        return {table: await self.connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}

    async def entry(self, seq: int) -> bytes | None:
        """Tell who stands at a place of the log."""
        found: bytes | None = await self.connection.fetchval("SELECT id FROM log WHERE seq = $1", seq)
        return found

    @asynccontextmanager
    async def blocked(self) -> AsyncIterator[None]:
        """Keep every commit waiting for as long as the context lasts."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT 1 FROM workspaces FOR UPDATE")
            yield


@asynccontextmanager
async def world_on(url: str) -> AsyncIterator[World]:
    """Open a world on a migrated, empty database."""
    world = World(url, await open_store(url, ANY_CLOCK, REQUEST_RETENTION_US), await asyncpg.connect(url))
    await pass_columns_through(world.connection)
    try:
        yield world
    finally:
        await world.connection.close()
        for replica in world.replicas:
            await replica.lanes.close(0.5)
            await replica.store.close()
        await world.store.close()
