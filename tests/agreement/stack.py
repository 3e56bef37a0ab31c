"""A whole server in this process, on a real database, with a clock that the run sets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc

from tests.listeners import listener
from tests.store.conftest import ANY_CLOCK
from utterson.application.calls.batch import CallBatch
from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.lane.context import LaneContext
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lanes import Lanes
from utterson.application.maintenance import prepare
from utterson.application.reads.profiles import ProfilesService
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.engine.core_engine import REQUEST_RETENTION_US, CoreEngine
from utterson.server.front.listener import ServerBehind
from utterson.server.refusals import encode_status
from utterson.server.rpc.server import build_server
from utterson.settings.lanes import LaneSettings
from utterson.settings.listening import FrontChoice
from utterson.store.open_store import Store, open_store

RECEIVE_BYTES_MAX = 32 * 1024 * 1024


@dataclass
class Clock:
    """The time of day, as the run wants it."""

    now_us: int

    def __call__(self) -> int:
        """Tell the time."""
        return self.now_us


@dataclass(frozen=True)
class Stack:
    """A running server and a channel to it."""

    channel: grpc.aio.Channel
    lanes: Lanes
    store: Store


@asynccontextmanager
async def stack_on(url: str, clock: Clock, limits: LaneSettings | None = None) -> AsyncIterator[Stack]:
    """Serve a migrated database for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        store = await open_store(url, ANY_CLOCK, REQUEST_RETENTION_US)
        stack.push_async_callback(store.close)
        context = LaneContext(
            CoreEngine(),
            store,
            clock,
            os.urandom,
            limits or LaneSettings(),
            HeadReader(store.log),
            asyncio.Semaphore(3),
        )
        await prepare(context)
        lanes = Lanes(context, CallBatch)
        stack.push_async_callback(lanes.close, 5.0)
        identity = IdentityService(lanes, context, encode_status)

        def grpc_server(listen: str) -> ServerBehind:
            return build_server(
                identity,
                ImportService(lanes, context),
                WorkspacesService(lanes, context),
                ProfilesService(lanes, context),
                bounds=context.engine,
                listen=listen,
                receive_bytes_max=RECEIVE_BYTES_MAX,
                reflection=False,
            )

        server = listener(FrontChoice.ON, grpc_server, identity, receive_bytes_max=RECEIVE_BYTES_MAX)
        await server.start()
        stack.push_async_callback(server.stop, 0)
        options = [("grpc.max_receive_message_length", RECEIVE_BYTES_MAX)]
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=options)
        yield Stack(await stack.enter_async_context(channel), lanes, store)
