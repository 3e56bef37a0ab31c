"""Replicas: use cases with the fake engine on one real database, each with its own pools and lanes."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.application.fake_engine import FakeEngine, FakeState
from tests.application.faulty import Faulty
from utterson.application.calls.batch import CallBatch
from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.lane.context import LaneContext
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lane import Lane
from utterson.application.lane.lanes import Lanes
from utterson.application.reads.profiles import ProfilesService
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.domain.calls import CallKind
from utterson.domain.errors import UttersonError
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.settings.lanes import LaneSettings
from utterson.store.migrate import migrate
from utterson.store.open_store import Store, open_store

WORKSPACE = "soho"


@dataclass
class Replica:
    """One server process, without its server."""

    context: LaneContext
    store: Store
    lanes: Lanes
    identity: IdentityService
    imports: ImportService
    workspaces: WorkspacesService
    profiles: ProfilesService

    async def call(self, line: str, workspace: str = WORKSPACE) -> dict[str, Any]:
        """Make one unary call."""
        request = json.dumps([workspace, line]).encode()
        told: dict[str, Any] = json.loads(await self.identity.resolve(CallKind.IDENTIFY, request))
        return told

    async def batch(self, *calls: tuple[str, str]) -> list[list[Any]]:
        """Make a batch of (workspace, line)."""
        told: list[list[Any]] = json.loads(await self.identity.resolve_batch(json.dumps({"calls": calls}).encode()))
        return told

    async def lane(self) -> Lane:
        """The workspace's lane."""
        return await self.lanes.lane(WORKSPACE)

    async def state(self) -> FakeState:
        """The workspace's state, loaded."""
        lane = await self.lane()
        await lane.reach(0)
        assert isinstance(lane.state, FakeState)
        return lane.state


def encode_status(error: UttersonError) -> bytes:
    return error.reason.name.encode()


@asynccontextmanager
async def replica_on(
    url: str, limits: LaneSettings | None = None, wrap: Callable[[Store], Store] = lambda store: store
) -> AsyncIterator[Replica]:
    """Open a replica; `wrap` may put faults between it and the database."""
    opened = await open_store(url, DatabaseSettings(), REQUEST_RETENTION_US)
    store = wrap(opened)
    context = LaneContext(
        engine=FakeEngine(),
        store=store,
        clock_us=lambda: time.time_ns() // 1000,
        entropy=os.urandom,
        limits=limits or LaneSettings(commit_timeout_ms=750),
        heads=HeadReader(store.log),
        load_slots=asyncio.Semaphore(3),
    )
    lanes = Lanes(context, CallBatch)
    yield Replica(
        context,
        opened,
        lanes,
        IdentityService(lanes, context, encode_status),
        ImportService(lanes, context),
        WorkspacesService(lanes, context),
        ProfilesService(lanes, context),
    )
    await lanes.close(5.0)
    await opened.close()


def with_commits(store: Store, commits: Any) -> Store:
    """Put something between the lanes and the writer."""
    return replace(store, commits=commits)


async def refusal_of(awaitable: object) -> UttersonError:
    """Tell the refusal with which a call ends."""
    with pytest.raises(UttersonError) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value


async def stream(*messages: bytes) -> AsyncIterator[bytes]:
    """Send messages one after another."""
    for message in messages:
        yield message


@pytest.fixture
async def url(database_url: str) -> str:
    await migrate(database_url)
    return database_url


@pytest.fixture
async def replica(url: str) -> AsyncIterator[Replica]:
    async with replica_on(url) as opened:
        await opened.workspaces.create_workspace(WORKSPACE, b"policy", None)
        yield opened


@pytest.fixture
async def other(replica: Replica, url: str) -> AsyncIterator[Replica]:
    """A second replica on the same database."""
    async with replica_on(url) as opened:
        yield opened


@pytest.fixture
async def faulty(url: str) -> AsyncIterator[tuple[Replica, Faulty]]:
    """A replica whose commits go through a writer that can be told to lose them."""
    made: list[Faulty] = []

    def wrap(store: Store) -> Store:
        made.append(Faulty(store.commits))
        return with_commits(store, made[0])

    async with replica_on(url, wrap=wrap) as opened:
        await opened.workspaces.create_workspace(WORKSPACE, b"policy", None)
        yield opened, made[0]
