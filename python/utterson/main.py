"""The composition root: settings, database, engine, use cases, server. Nothing else reads the clock or chance."""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from utterson.application.auditing import Auditor
from utterson.application.calls.batch import CallBatch
from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.lane.context import LaneContext
from utterson.application.lane.failpoints import Failpoints
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lanes import Lanes
from utterson.application.lane.poller import poll_heads
from utterson.application.lasting import lasting
from utterson.application.maintenance import prepare, tidy
from utterson.application.readiness import Readiness
from utterson.application.reads.profiles import ProfilesService
from utterson.application.rekeying import rekey
from utterson.application.scrubbing import Scrubber
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.clock import SteadyClock
from utterson.domain.startup import BrokenError
from utterson.engine.core_engine import REQUEST_RETENTION_US, CoreEngine
from utterson.engine.front import Front
from utterson.logs import configure_logging
from utterson.reloading import Reloading
from utterson.scheduling import let_runners_finish
from utterson.server.front.listener import FrontListener, Listener, ServerBehind
from utterson.server.front.ports import FrontLimits
from utterson.server.limits import (
    HANDSHAKE_TIMEOUT_MS,
    REQUEST_BYTES_MAX,
    SILENCE_MS_MAX,
    UNARY_TIMEOUT_S,
    UNTAKEN_TIMEOUT_MS,
)
from utterson.server.refusals import encode_status
from utterson.server.rpc.server import REFLECTION, SERVICES, build_server
from utterson.server.unhandled import unhandled_told
from utterson.settings.listening import FrontChoice
from utterson.settings.process import Settings
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.migrate import migrate
from utterson.store.open_store import Store, open_store
from utterson.trimming import GarbageWatch

logger = logging.getLogger("utterson.main")

# New objects between two looks of the garbage collector at the youngest, such looks between two at those that stayed,
# and of the latter between two at all. To free one takes a microsecond or two, so a look must not find many more.
GARBAGE_THRESHOLDS = (10_000, 1, 10)
# glibc's name of the size from which on blocks are the system's own, and that size.
MALLOC_MMAP_THRESHOLD = -3
LARGE_BLOCK_BYTES = 512 * 1024
# Goes on while the machine sleeps, where there is such a clock.
_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _steady_us() -> int:
    return time.clock_gettime_ns(_STEADY_CLOCK) // 1000


async def serve(settings: Settings, load: Callable[[], Settings] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then finish what runs and stop in order.

    A second signal ends the process at once; nothing acknowledged is lost by that. SIGHUP ends nothing: the settings
    are read again.

    Args:
        settings: all of them.
        load: reads them anew, upon SIGHUP.

    Raises:
        StartupError: the server cannot start; the sentence says why.
        BrokenError: it started, and has lost what listens. Whatever it acknowledged stands.
    """
    configure_logging(settings.log_level, settings.log_format)
    let_runners_finish()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, Reloading(settings, load).reload)
    try:
        async with running(settings) as server, lasting({"garbage": GarbageWatch().run}):
            _spare_the_garbage_collector()
            _have_memory_given_back()
            logger.info("listening at %s, port %d", settings.listen, server.port)
            await _first_of(stop, server.broken)
            for number in signals:
                loop.remove_signal_handler(number)
            logger.info("stopping")
            if server.broken.is_set():
                raise BrokenError("the front has ended by a fault of its own, so the process ends; start it anew")
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
    logger.info("stopped")


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _spare_the_garbage_collector() -> None:
    """Spare the garbage collector what is there for good, and let it look at the rest less often.

    A call leaves next to nothing that only the collector finds; at its usual pace it takes a fifth of our own time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _have_memory_given_back() -> None:
    """Have the C library give each large block back to the system as soon as it is free.

    By itself it keeps more for later the larger the largest block was: one message of many megabytes would stay for
    good. Elsewhere than with glibc nothing changes.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(MALLOC_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Listener]:
    """Run a whole server for as long as the context lasts.

    Leaving it: health says NOT_SERVING, no new calls, running ones end, lanes finish, connections close.

    Raises:
        StartupError: the server cannot start.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(unhandled_told(asyncio.get_running_loop()))
        store = await stack.enter_async_context(_opened_store(settings))
        context = LaneContext(
            engine=CoreEngine(),
            store=store,
            clock_us=SteadyClock(settings.clock_skew_ms_max * 1000, lambda: time.time_ns() // 1000, _steady_us),
            entropy=os.urandom,
            limits=settings,
            heads=HeadReader(store.log),
            load_slots=asyncio.Semaphore(settings.loads_max),
            failpoints=Failpoints(settings.failpoint_choice),
        )
        await prepare(context)
        lanes = Lanes(context, CallBatch)
        stack.push_async_callback(lanes.close, settings.shutdown_grace_ms / 1000)
        scrubber, auditor = Scrubber(lanes, context, settings), Auditor(lanes, context, settings)
        background = {
            "head poller": lambda: poll_heads(lanes, context),
            "tidying": lambda: tidy(context),
            "scrub": scrubber.run,
            "audits": auditor.run,
            "rekeying": lambda: rekey(context),
        }
        await stack.enter_async_context(lasting(background))
        server = _listener(settings, lanes, context)
        await server.start()
        stack.push_async_callback(server.stop, settings.shutdown_grace_ms / 1000)
        # Ended before the server stops: from then on it is not ready, whatever the database says.
        readiness = Readiness(context, lanes, lambda ready: server.set_ready(ready=ready))
        await stack.enter_async_context(lasting({"readiness": readiness.follow}))
        yield server


def _listener(settings: Settings, lanes: Lanes, context: LaneContext) -> Listener:
    """Build what listens: the front with the server of gRPC behind it, or that alone."""
    identity = IdentityService(lanes, context, encode_status)
    # Uploads and reads behind a front must not crowd out what it takes itself, nor that them.
    halves = 1 if settings.front is FrontChoice.OFF else 2

    def grpc_server(listen: str) -> ServerBehind:
        return build_server(
            identity,
            ImportService(lanes, context),
            WorkspacesService(lanes, context),
            ProfilesService(lanes, context),
            bounds=context.engine,
            listen=listen,
            receive_bytes_max=settings.receive_bytes_max,
            reflection=settings.serves_reflection,
            waiting_bytes_max=settings.waiting_bytes // halves,
            upload_timeout_s=settings.upload_timeout_ms / 1000,
        )

    if settings.front is FrontChoice.OFF:
        return grpc_server(settings.listen)
    return FrontListener(
        Front,
        grpc_server,
        identity,
        listen=settings.listen,
        services=SERVICES,
        limits=front_limits(settings),
        others=(REFLECTION,) if settings.serves_reflection else (),
    )


def front_limits(settings: Settings) -> FrontLimits:
    """Choose what the settings say about a front."""
    return FrontLimits(
        connections_max=settings.connections_max,
        streams_max=settings.connection_calls_max,
        header_bytes_max=settings.header_bytes_max,
        message_bytes_max=settings.receive_bytes_max,
        passed_bytes_max=REQUEST_BYTES_MAX,
        queue_calls_max=settings.waiting_calls_max,
        workspace_calls_max=settings.queue_calls_max,
        queue_bytes_max=settings.waiting_bytes // 2,
        stream_messages_max=settings.stream_messages_max,
        handshake_timeout_ms=HANDSHAKE_TIMEOUT_MS,
        keepalive_ms=settings.keepalive_ms,
        keepalive_timeout_ms=settings.keepalive_timeout_ms,
        age_ms_max=settings.connection_age_ms_max,
        age_grace_ms=settings.connection_age_grace_ms,
        unary_timeout_ms=int(UNARY_TIMEOUT_S * 1000),
        untaken_timeout_ms=UNTAKEN_TIMEOUT_MS,
        silence_ms_max=SILENCE_MS_MAX,
    )


@asynccontextmanager
async def _opened_store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of the settings, the embedded one unless an address is given, and migrate it."""
    async with AsyncExitStack() as stack:
        address = settings.database_address
        if address is None:
            embedded = EmbeddedPostgres(settings.data_dir, binaries_dir=settings.postgres_bin_dir)
            address = (await stack.enter_async_context(embedded)).dsn
        applied = await migrate(address)
        if applied:
            logger.info("applied migrations %s", applied)
        store = await open_store(address, settings, REQUEST_RETENTION_US)
        stack.push_async_callback(store.close)
        yield store
