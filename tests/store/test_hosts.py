"""Several hosts in one address: the primary is found and kept to, though another host is silent or falls silent."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tests.embedded.processes import query
from tests.store.conftest import NOBODY
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.startup import StartupError
from utterson.engine.core_engine import REQUEST_RETENTION_US
from utterson.settings.database import DatabaseSettings
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.hosts import one_by_one
from utterson.store.migrate import migrate
from utterson.store.open_store import open_store
from utterson.store.pool import ConnectionPool, PoolSettings

CUT_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://u:p@a/db", ["postgresql://u:p@a/db"]),
        ("postgresql:///db?host=/run&port=5", ["postgresql:///db?host=/run&port=5"]),
        (
            "postgresql://u:p,w@a:1,b/db?sslmode=disable",
            [
                "postgresql://u:p,w@a:1/db?target_session_attrs=primary&sslmode=disable",
                "postgresql://u:p,w@b/db?target_session_attrs=primary&sslmode=disable",
            ],
        ),
        (
            "postgresql://[::1]:1,[::2]:2/db?target_session_attrs=read-write",
            [
                "postgresql://[::1]:1/db?target_session_attrs=read-write",
                "postgresql://[::2]:2/db?target_session_attrs=read-write",
            ],
        ),
        (
            "postgresql:///db?host=/a,/b&port=7",
            [
                "postgresql:///db?target_session_attrs=primary&host=/a&port=7",
                "postgresql:///db?target_session_attrs=primary&host=/b&port=7",
            ],
        ),
        (
            "postgresql:///db?host=/a,b",
            [
                "postgresql:///db?target_session_attrs=primary&host=/a&port=5432",
                "postgresql:///db?target_session_attrs=primary&host=b&port=5432",
            ],
        ),
    ],
)
def test_each_host_has_an_address_of_its_own(address: str, expected: list[str]) -> None:
    assert one_by_one(address) == expected


def test_hosts_and_ports_must_agree() -> None:
    with pytest.raises(ValueError, match="2 hosts, and 3 ports"):
        one_by_one("postgresql:///db?host=/a,/b&port=1,2,3")


class Way:
    """The way to a server: open, or silent, which takes connections and passes nothing on."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.taken = 0
        self._socket = f"{host_of(url)}/.s.PGSQL.{port_of(url)}"
        self._passes = asyncio.Event()
        self._passes.set()

    def close(self) -> None:
        """Pass nothing on from now on."""
        self._passes.clear()

    def open(self) -> None:
        """Pass on what waits, and all that comes."""
        self._passes.set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        self.taken += 1
        await self._passes.wait()
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        await asyncio.gather(self._pass_on(reader, server_writer), self._pass_on(server_reader, writer))

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(2**16):
                await self._passes.wait()
                sink.write(data)
            sink.close()


@asynccontextmanager
async def way_to(url: str, folder: Path) -> AsyncIterator[Way]:
    """A way to a database's server."""
    folder.mkdir()
    way = Way(folder, url)
    server = await asyncio.start_unix_server(way.take, folder / ".s.PGSQL.5432")
    yield way
    way.open()
    server.close()


def host_of(url: str) -> str:
    """The folder of a server's socket."""
    return parse_qs(urlsplit(url).query)["host"][0]


def port_of(url: str) -> str:
    """The port in its socket's name."""
    return parse_qs(urlsplit(url).query)["port"][0]


def both(way: Way, url: str) -> str:
    """An address of two hosts: a way first, and then a server."""
    return f"{url.partition('?')[0]}?host={way.folder},{host_of(url)}&port=5432,{port_of(url)}"


async def test_a_silent_host_keeps_nobody_from_the_primary(database_url: str, open_dir: Path) -> None:
    async with way_to(database_url, open_dir / "silent") as way:
        way.close()
        url = both(way, database_url)
        began_s = time.monotonic()
        await migrate(url)
        pool = await ConnectionPool.open(url, PoolSettings(2, 5000, 5000))
        assert time.monotonic() - began_s < 3
        before = way.taken
        assert before == 2
        # The host that was the primary is the first to be asked from then on.
        await asyncio.gather(*(pool.run(lambda connection: connection.fetchval("SELECT pg_sleep(0.1)")) for _ in "ab"))
        assert way.taken == before
        await pool.close()


async def test_where_no_host_is_what_is_asked_for_a_sentence_says_so(database_url: str, open_dir: Path) -> None:
    async with way_to(database_url, open_dir / "primary") as way:
        with pytest.raises(StartupError, match="none of the database's hosts is a primary"):
            await migrate(f"{both(way, database_url)}&target_session_attrs=standby")


async def test_connections_to_a_silent_server_are_given_up_as_soon_as_another_answers(
    database_url: str, open_dir: Path
) -> None:
    await migrate(database_url)
    async with EmbeddedPostgres(open_dir / "other") as other, way_to(database_url, open_dir / "first") as way:
        await query(other, f"CREATE DATABASE {urlsplit(database_url).path[1:]}")
        there = other.dsn.replace("/postgres?", f"{urlsplit(database_url).path}?")
        await migrate(there)
        store = await open_store(both(way, there), DatabaseSettings(), REQUEST_RETENTION_US)
        await store.fitness.check(1)
        assert await store.log.heads([NOBODY]) == {}
        way.close()
        with pytest.raises(StoreFailureError):
            await store.fitness.check(0.6)
        await store.fitness.check(0.6)
        began_s = time.monotonic()
        assert await store.log.heads([NOBODY]) == {}
        assert time.monotonic() - began_s < 2
        way.open()
        await store.close()


async def test_what_a_server_recovered_is_not_read_before_its_standby_has_it(open_dir: Path) -> None:
    async with EmbeddedPostgres(open_dir / "replicated") as cluster:
        pool = await ConnectionPool.open(cluster.dsn, PoolSettings(1, 5000, 5000, connect_timeout_ms=600))
        # A standby that is not there: a commit would wait for it.
        await query(cluster, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        await query(cluster, "SELECT pg_reload_conf()")
        with suppress(asyncpg.PostgresError):
            await query(
                cluster, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            )
        await asyncio.sleep(0.1)
        with pytest.raises(StoreFailureError) as caught:
            await pool.run(lambda connection: connection.fetchval("SELECT 1"), 2)
        assert caught.value.kind is FailureKind.UNREACHABLE
        await query(cluster, "ALTER SYSTEM RESET synchronous_standby_names")
        await query(cluster, "SELECT pg_reload_conf()")
        assert await pool.run(lambda connection: connection.fetchval("SELECT 1")) == 1
        await pool.close()
