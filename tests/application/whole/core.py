"""A replica with the real engine, and the calls that tests make of it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from utterson.application.calls.batch import CallBatch
from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.lane.context import LaneContext
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lanes import Lanes
from utterson.application.reads.profiles import ProfilesService
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.domain.calls import CallKind
from utterson.engine.core_engine import REQUEST_RETENTION_US, CoreEngine
from utterson.engine.state import State
from utterson.server.refusals import encode_status
from utterson.settings.database import DatabaseSettings
from utterson.settings.lanes import LaneSettings
from utterson.store.open_store import open_store
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.identifier_pb2 import Identifier
from utterson.v1.resolution_pb2 import Resolution

WORKSPACE = "soho"


@dataclass
class Core:
    """One replica with the real engine."""

    context: LaneContext
    lanes: Lanes
    identity: IdentityService
    imports: ImportService
    workspaces: WorkspacesService
    profiles: ProfilesService

    async def identify(
        self, *identifiers: tuple[str, str], traits: dict[str, str | int] | None = None, **more: object
    ) -> Resolution:
        request = messages.IdentifyRequest(workspace=WORKSPACE, identifiers=held(identifiers), **more)  # type: ignore[arg-type]
        if traits:
            request.traits.update(traits)
        answer = await self.identity.resolve(CallKind.IDENTIFY, request.SerializeToString())
        return messages.IdentifyResponse.FromString(answer).resolution

    async def track(self, name: str, *identifiers: tuple[str, str], **more: object) -> Resolution:
        event = messages.Event(name=name, **more)  # type: ignore[arg-type]
        request = messages.TrackRequest(workspace=WORKSPACE, identifiers=held(identifiers), event=event)
        answer = await self.identity.resolve(CallKind.TRACK, request.SerializeToString())
        return messages.TrackResponse.FromString(answer).resolution

    async def search(self, *identifiers: tuple[str, str]) -> Resolution:
        request = messages.SearchRequest(workspace=WORKSPACE, identifiers=held(identifiers))
        answer = await self.identity.resolve(CallKind.SEARCH, request.SerializeToString())
        return messages.SearchResponse.FromString(answer).resolution

    async def state(self) -> State:
        lane = await self.lanes.lane(WORKSPACE)
        await lane.reach(0)
        assert isinstance(lane.state, State)
        return lane.state


def held(identifiers: tuple[tuple[str, str], ...]) -> list[Identifier]:
    return [Identifier(type=kind, value=value) for kind, value in identifiers]


@asynccontextmanager
async def core_on(url: str, limits: LaneSettings | None = None) -> AsyncIterator[Core]:
    store = await open_store(url, DatabaseSettings(), REQUEST_RETENTION_US)
    context = LaneContext(
        CoreEngine(),
        store,
        lambda: time.time_ns() // 1000,
        os.urandom,
        limits or LaneSettings(),
        HeadReader(store.log),
        asyncio.Semaphore(3),
    )
    lanes = Lanes(context, CallBatch)
    yield Core(
        context,
        lanes,
        IdentityService(lanes, context, encode_status),
        ImportService(lanes, context),
        WorkspacesService(lanes, context),
        ProfilesService(lanes, context),
    )
    await lanes.close(5.0)
    await store.close()
