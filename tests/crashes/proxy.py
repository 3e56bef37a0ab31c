"""Stands between the server and Postgres, reads the messages that pass, and loses what it is told to.

It knows a commit by its statement: with the extended protocol the transaction ends when Postgres handles Sync, so
ReadyForQuery is the first message that a committed transaction sends.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

COMMIT = b"commit_batch("


class Fault(Enum):
    """What happens to one commit on its way."""

    # Nothing of the answer arrives; the connection breaks.
    ANSWER_LOST = "answer lost"
    # The result row arrives; the connection breaks before ReadyForQuery.
    READY_LOST = "ready lost"
    # The request never arrives; the connection breaks.
    REQUEST_LOST = "request lost"
    # The answer arrives after the server's patience.
    ANSWER_LATE = "answer late"
    # The request arrives after the server has given the connection up.
    REQUEST_LATE = "request late"


LATE = (Fault.ANSWER_LATE, Fault.REQUEST_LATE)


class _Connection:
    """One connection and its two directions."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._commits: set[bytes] = set()
        self._fault: Fault | None = None

    async def forward(self, reader: asyncio.StreamReader) -> None:
        """Pass on what the server process sends; the first message has no type."""
        size = await reader.readexactly(4)
        self._server.write(size + await reader.readexactly(struct.unpack("!i", size)[0] - 4))
        while True:
            kind, message = await _read(reader)
            if kind == b"P" and COMMIT in message:
                self._commits.add(message[5:].split(b"\0", 1)[0])
            if kind == b"B" and message[5:].split(b"\0", 2)[1] in self._commits:
                # Take all of it off the wire before anything else: the sender may hang up meanwhile.
                while kind != b"S":
                    kind, more = await _read(reader)
                    message += more
                self._fault = self._proxy.next_fault(self)
                if self._fault is Fault.REQUEST_LOST:
                    self.cut()
                    return
                if self._fault is Fault.REQUEST_LATE:
                    await asyncio.sleep(self._proxy.late_s)
            self._server.write(message)

    async def backward(self, reader: asyncio.StreamReader) -> None:
        """Pass on what Postgres sends."""
        held = b""
        while True:
            kind, message = await _read(reader)
            if self._fault in (None, Fault.REQUEST_LATE):
                self._client.write(message)
                continue
            if kind == b"Z" and self._fault is not Fault.ANSWER_LATE:
                self.cut()
                return
            if self._fault is Fault.READY_LOST:
                self._client.write(message)
                continue
            held += message
            if kind == b"Z":
                await asyncio.sleep(self._proxy.late_s)
                self._client.write(held)
                held, self._fault = b"", None

    def cut(self) -> None:
        """Break the connection on both sides."""
        for writer in (self._client, self._server):
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)


class Proxy:
    """Breaks commits as `choose` says, which is asked for each; refuses connections while `away`."""

    def __init__(self, database_url: str, late_s: float) -> None:
        parts = urlsplit(database_url)
        query = parse_qs(parts.query)
        self._socket = Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}"
        self._login = f"{parts.username}@127.0.0.1", parts.path
        self.late_s = late_s
        self.choose: Callable[[], Fault | None] = lambda: None
        # Whether it cuts every connection and takes no new one as soon as a fault has struck.
        self.goes_away = False
        self.away = False
        self.struck: Counter[Fault] = Counter()
        self.port = 0
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def database_url(self) -> str:
        """The database as seen through the proxy."""
        login, path = self._login
        return f"postgresql://{login}:{self.port}{path}?sslmode=disable"

    def strike_once(self, fault: Fault) -> None:
        """Let the next commit meet a fault, and no other."""
        left = [fault]
        self.choose = lambda: left.pop() if left else None

    def cut_all(self) -> None:
        """Break every connection there is."""
        for connection in list(self._open):
            connection.cut()

    def next_fault(self, asking: _Connection) -> Fault | None:
        """Choose what happens to a commit that arrives now."""
        fault = self.choose()
        if fault is not None:
            self.struck[fault] += 1
            if self.goes_away:
                self.away = True
                for connection in self._open - {asking}:
                    connection.cut()
        return fault

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take connections for as long as the context lasts."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            # Postgres is away.
            writer.transport.abort()
            return
        connection = _Connection(self, writer, server_writer)
        self._open.add(connection)
        forward = asyncio.create_task(self._pump(connection.forward(reader), server_writer))
        backward = asyncio.create_task(self._pump(connection.backward(server_reader), writer))
        for task in (forward, backward):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.wait({forward, backward})
        self._open.discard(connection)
        connection.cut()

    async def _pump(self, pumping: Coroutine[None, None, None], sink: asyncio.StreamWriter) -> None:
        """Run one direction; its end closes the other side, after what was sent there."""
        with suppress(asyncio.IncompleteReadError, OSError):
            await pumping
        with suppress(OSError):
            sink.close()
