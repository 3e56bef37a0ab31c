"""The front before the server of gRPC: one handle for both."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from google.protobuf.descriptor import ServiceDescriptor

from utterson.application.calls.identity import IdentityService
from utterson.domain.startup import StartupError
from utterson.server.front.calls import FrontCalls, passed_methods, taken_methods
from utterson.server.front.ports import Front, FrontLimits, FrontMethods, OpenFront
from utterson.server.front.refusals import front_refusals
from utterson.server.front.socket_folder import SocketFolder
from utterson.server.front.socket_place import SocketPlace, socket_parent
from utterson.server.listening import UNIX_PREFIX, ListenError, ensure_free, places

logger: Final = logging.getLogger(__name__)

# How often the loop tells the front that it runs.
BEAT_S: Final = 0.5
# How often the socket of the server behind is looked for.
LOOK_EVERY_S: Final = 1.0
# How long calls of a server behind may take whose socket was removed: nobody can find it any more.
REMOVED_GRACE_S: Final = 60.0


class Listener(Protocol):
    """A server that can be started and stopped."""

    @property
    def broken(self) -> asyncio.Event:
        """Set when it serves nobody any more although nobody stopped it."""
        ...

    @property
    def port(self) -> int:
        """The port listened at, once started."""
        ...

    async def start(self) -> None:
        """Listen.

        Raises:
            ListenError: the address is taken or not one of this machine.
        """
        ...

    async def set_ready(self, *, ready: bool) -> None:
        """Say whether calls can be served now, for health; nothing happens unless it listens."""
        ...

    def drain(self) -> None:
        """Begin to stop: wait no longer for what callers have not sent."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Take no new calls and let the running ones end, for `grace_s` seconds at most."""
        ...


class ServerBehind(Listener, Protocol):
    """A server behind a front."""

    async def retire(self, grace_s: float) -> None:
        """Take no new calls and let the running ones end in their own time, for `grace_s` seconds at most."""
        ...


class FrontListener:
    """Listens by a front, with another server behind it at a socket of this process alone.

    Args:
        open_front: starts the front.
        behind: makes the server behind, given where it shall listen.
        identity: what answers the calls that the front takes.
        listen: the public address, `host:port`; port 0 takes a free one.
        services: the services that health tells about.
        limits: what callers are held to.
        others: what the server behind serves beside the API.
    """

    def __init__(
        self,
        open_front: OpenFront,
        behind: Callable[[str], ServerBehind],
        identity: IdentityService,
        *,
        listen: str,
        services: tuple[str, ...],
        limits: FrontLimits,
        others: Sequence[ServiceDescriptor],
    ) -> None:
        self._open_front = open_front
        self._make_behind = behind
        self._behind: ServerBehind | None = None
        self._folder: SocketFolder | None = None
        self._looking: asyncio.Task[None] | None = None
        # Servers behind whose sockets were removed, and that end with their calls.
        self._leaving: dict[asyncio.Task[None], Listener] = {}
        self._identity = identity
        self._listen = listen
        self._services = services
        self._limits = limits
        self._others = others
        self._front: Front | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._broken = asyncio.Event()

    @property
    def broken(self) -> asyncio.Event:
        """Set when the front's thread has ended although nobody stopped it: a bug of ours."""
        return self._broken

    @property
    def port(self) -> int:
        """The port listened at, once started."""
        return 0 if self._front is None else self._front.port

    async def start(self) -> None:
        """Start the server behind, then listen, and tell health checks that every service is up.

        Raises:
            ListenError: the address is taken or not one of this machine.
            StartupError: there is no place for the socket of the server behind.
        """
        ensure_free(self._listen)
        self._folder = SocketFolder.make(socket_parent())
        place = SocketPlace(self._folder.path / "grpc")
        try:
            await self._start_behind(place)
            front = self._open_front(
                listen=places(self._listen),
                behind=os.fspath(place.path),
                methods=FrontMethods(taken_methods(), passed_methods(self._others)),
                services=self._services,
                limits=self._limits,
                refusals=front_refusals(self._limits.message_bytes_max),
            )
        except BaseException as error:
            await self._stop_behind()
            if isinstance(error, OSError):
                raise ListenError(self._listen) from error
            raise
        self._front = front
        loop = asyncio.get_running_loop()
        loop.add_reader(front.descriptor, FrontCalls(front, self._identity).take)
        front.set_serving(True)
        self._tell_alive(loop, front)
        self._looking = loop.create_task(self._look_after(place), name="socket of the server behind")

    async def set_ready(self, *, ready: bool) -> None:
        """Say whether calls can be served now; liveness is the front's own affair."""
        if self._front is not None:
            self._front.set_serving(ready)

    def drain(self) -> None:
        """Begin to stop what the server behind answers."""
        if self._behind is not None:
            self._behind.drain()

    async def stop(self, grace_s: float) -> None:
        """Tell health checks first, take no new calls, and let the running ones end.

        Args:
            grace_s: how long running calls may take before they are cut, in seconds.
        """
        self.drain()
        front, self._front = self._front, None
        if front is not None:
            await asyncio.to_thread(front.stop, int(grace_s * 1000))
            if self._beat is not None:
                self._beat.cancel()
            asyncio.get_running_loop().remove_reader(front.descriptor)
        await self._stop_behind()

    async def _start_behind(self, place: SocketPlace) -> None:
        """Start a server behind at a place; one that had it before takes no new calls and ends with its last."""
        name = place.name_of_next()
        behind = self._make_behind(f"{UNIX_PREFIX}{name}")
        try:
            await behind.start()
            place.take(name)
        except BaseException:
            await behind.stop(0)
            raise
        before, self._behind = self._behind, behind
        if before is not None:
            leaving = asyncio.create_task(before.retire(REMOVED_GRACE_S))
            self._leaving[leaving] = before
            leaving.add_done_callback(lambda done: self._leaving.pop(done, None))

    async def _look_after(self, place: SocketPlace) -> None:
        """Start the server behind anew whenever somebody has removed its socket: health says that it is served."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if place.is_taken:
                continue
            try:
                await self._start_behind(place)
            except (OSError, StartupError) as error:
                kind = type(error).__name__
                logger.error("the socket of the server behind was removed and cannot be made anew (%s)", kind)
            else:
                logger.warning("the socket of the server behind was removed, and was made anew")

    async def _stop_behind(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.wait({looking})
        for leaving, before in tuple(self._leaving.items()):
            leaving.cancel()
            await before.stop(0)
        behind, self._behind = self._behind, None
        if behind is not None:
            await behind.stop(0)
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.remove()

    def _tell_alive(self, loop: asyncio.AbstractEventLoop, front: Front) -> None:
        if not front.is_running and self._front is front:
            self._broken.set()
        front.alive()
        self._beat = loop.call_later(BEAT_S, self._tell_alive, loop, front)
