"""The front before the server of gRPC: one handle for both."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from utterson.application.calls.identity import IdentityService
from utterson.server.front.calls import FrontCalls, paced_methods, taken_methods
from utterson.server.front.ports import Front, FrontLimits, FrontMethods, OpenFront
from utterson.server.front.refusals import front_refusals
from utterson.server.listening import UNIX_PREFIX, ListenError, ensure_free, places

# How often the loop tells the front that it runs.
BEAT_S: Final = 0.5


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

    def drain(self) -> None:
        """Begin to stop: wait no longer for what callers have not sent."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Take no new calls and let the running ones end, for `grace_s` seconds at most."""
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
    """

    def __init__(
        self,
        open_front: OpenFront,
        behind: Callable[[str], Listener],
        identity: IdentityService,
        *,
        listen: str,
        services: tuple[str, ...],
        limits: FrontLimits,
    ) -> None:
        self._open_front = open_front
        self._make_behind = behind
        self._behind: Listener | None = None
        self._folder: Path | None = None
        self._identity = identity
        self._listen = listen
        self._services = services
        self._limits = limits
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
        """
        ensure_free(self._listen)
        # Only this account can open it.
        self._folder = Path(tempfile.mkdtemp(prefix="utterson-"))
        socket = self._folder / "grpc"
        try:
            self._behind = self._make_behind(f"{UNIX_PREFIX}{socket}")
            await self._behind.start()
            front = self._open_front(
                listen=places(self._listen),
                behind=os.fspath(socket),
                methods=FrontMethods(taken_methods(), paced_methods()),
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

    async def _stop_behind(self) -> None:
        behind, self._behind = self._behind, None
        if behind is not None:
            await behind.stop(0)
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _tell_alive(self, loop: asyncio.AbstractEventLoop, front: Front) -> None:
        if not front.is_running and self._front is front:
            self._broken.set()
        front.alive()
        self._beat = loop.call_later(BEAT_S, self._tell_alive, loop, front)
