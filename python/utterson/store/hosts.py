"""Connecting to whichever of several hosts is the primary, though one of them may not even refuse.

The driver tries the hosts of an address one after the other, all within one timeout: a host that takes a connection
and never answers, or whose network is gone, uses all of it up, and the primary behind it is never asked.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# How long a host may take before the next one is tried beside it: most answer within a fraction of that.
HEAD_START_S: Final = 0.2
DEFAULT_PORT: Final = "5432"
# What says that a host cannot be used now, and nothing about the others.
_HOST_FAULTS: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Hosts:
    """The hosts of one address of the database; the one that was the primary last is tried first.

    Args:
        database_url: one `postgresql://` address, which may name several hosts.
    """

    def __init__(self, database_url: str) -> None:
        self._urls = one_by_one(database_url)

    async def connect(self, *, timeout: float, **arguments: Any) -> Connection:  # noqa: ASYNC109 - the driver's name
        """Connect to the primary, as the driver's `connect` does.

        Args:
            timeout: how long to try, in seconds, for all hosts together.
            arguments: the driver's own.

        Raises:
            TimeoutError: no host answered that could be used, and one of them not at all.
            OSError, PostgresError, …: what the last of them said.
        """
        if len(self._urls) == 1:
            return await asyncpg.connect(self._urls[0], timeout=timeout, **arguments)
        async with asyncio.timeout(timeout):
            url, connection = await self._race(timeout, arguments)
        self._urls.sort(key=lambda one: one != url)
        return connection

    async def _race(self, timeout_s: float, arguments: dict[str, Any]) -> tuple[str, Connection]:
        """Ask one host after the other, the next as soon as one refuses or takes long; the first primary wins."""
        left = list(self._urls)
        running: dict[asyncio.Task[Connection], str] = {}
        last: BaseException = OSError("no host is left")
        try:
            while left or running:
                if left:
                    url = left.pop(0)
                    running[asyncio.create_task(asyncpg.connect(url, timeout=timeout_s, **arguments))] = url
                ended, _ = await asyncio.wait(
                    running, timeout=HEAD_START_S if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in ended:
                    error = task.exception()
                    if error is None:
                        return running.pop(task), task.result()
                    del running[task]
                    if not isinstance(error, _HOST_FAULTS):
                        raise error
                    last = error
        finally:
            for task in running:
                task.cancel()
                task.add_done_callback(_close_late)
        raise last


def _close_late(task: "asyncio.Task[Connection]") -> None:
    """Close what came through although nobody waits for it any more."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()


def one_by_one(database_url: str) -> list[str]:
    """Make an address for each host of an address.

    Those of several ask for a primary, unless the address says what to ask for: nothing else can be used, and a
    standby in their midst is no mistake.
    """
    parts = urlsplit(database_url)
    login, at, hosts = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query))
    if hosts:
        places = [f"{login}{at}{host}" for host in hosts.split(",")]
        queries = [query] * len(places)
    else:
        names = query.get("host", "").split(",")
        queries = [query | {"host": name, "port": port} for name, port in _with_ports(names, query.get("port", ""))]
        places = [parts.netloc] * len(queries)
    if len(places) == 1:
        return [database_url]
    wanted = {"target_session_attrs": "primary"}
    return [
        f"{parts.scheme}://{place}{parts.path}?{urlencode(wanted | of_host, safe='/', quote_via=quote)}"
        for place, of_host in zip(places, queries, strict=True)
    ]


def _with_ports(names: Sequence[str], ports: str) -> list[tuple[str, str]]:
    """Give each host its port: one for all of them, or one each."""
    given = (ports or DEFAULT_PORT).split(",")
    if len(given) == 1:
        given *= len(names)
    if len(given) != len(names):
        raise ValueError(f"{len(names)} hosts, and {len(given)} ports")
    return list(zip(names, given, strict=True))
