"""kill -9 of every process there is. Acknowledged commits survive, and the server comes up again."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from tests.embedded.processes import NEEDS_PROC, UserProcess, postmasters_of, processes_of, query, until, watchdogs_of
from utterson.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from utterson.store.embedded.layout import Layout

pytestmark = NEEDS_PROC


def _kill(process_ids: list[int]) -> None:
    assert process_ids
    for process_id in process_ids:
        os.kill(process_id, signal.SIGKILL)


class Writer:
    """Commits one number after the other and remembers which were acknowledged."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._acknowledged: list[int] = []
        self._next = 0

    async def prepare(self) -> None:
        await query(self._server, "CREATE TABLE numbers (number int PRIMARY KEY)")

    async def write(self, count: int) -> None:
        """Commit so many more numbers, over as many connections as it takes."""
        wanted = len(self._acknowledged) + count
        while len(self._acknowledged) < wanted:
            number, self._next = self._next, self._next + 1
            await query(self._server, f"INSERT INTO numbers VALUES ({number}) ON CONFLICT DO NOTHING")
            self._acknowledged.append(number)

    async def check(self) -> None:
        """Every acknowledged number is there."""
        connection = await asyncpg.connect(**self._server.connect_kwargs())
        found = {row["number"] for row in await connection.fetch("SELECT number FROM numbers")}
        await connection.close()
        assert set(self._acknowledged) <= found


async def test_killed_user_leaves_no_process(data_dir: Path) -> None:
    user = await UserProcess.start(data_dir)
    assert len(processes_of(data_dir)) == 2
    await user.kill()
    await until(lambda: not processes_of(data_dir))


async def test_killed_user_leaves_the_server_to_the_others(data_dir: Path) -> None:
    user = await UserProcess.start(data_dir)
    async with EmbeddedPostgres(data_dir) as server:
        await user.kill()
        await asyncio.sleep(0.5)
        assert await query(server, "SELECT 1") == 1
    assert processes_of(data_dir) == []


async def test_user_that_comes_while_the_server_is_stopping_waits(data_dir: Path) -> None:
    for _ in range(3):
        user = await UserProcess.start(data_dir)
        await user.kill()
        async with EmbeddedPostgres(data_dir) as server:
            assert await query(server, "SELECT 1") == 1


async def test_killed_watchdog_is_replaced_without_interruption(data_dir: Path, server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(**server.connect_kwargs())
    killed, postmasters = watchdogs_of(data_dir), postmasters_of(data_dir)
    _kill(killed)
    await until(lambda: len(watchdogs_of(data_dir)) == 1 and watchdogs_of(data_dir) != killed)
    await asyncio.sleep(0.3)
    assert postmasters_of(data_dir) == postmasters
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_replaced_watchdog_stops_the_server(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        killed = watchdogs_of(data_dir)
        _kill(killed)
        await until(lambda: len(watchdogs_of(data_dir)) == 1 and watchdogs_of(data_dir) != killed)
    assert processes_of(data_dir) == []


async def test_server_is_stopped_although_the_watchdog_was_killed_just_before(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        _kill(watchdogs_of(data_dir))
    assert processes_of(data_dir) == []


async def test_users_replace_a_killed_watchdog_by_one(data_dir: Path, server: EmbeddedPostgres) -> None:
    users = await asyncio.gather(*(UserProcess.start(data_dir) for _ in range(3)))
    killed = watchdogs_of(data_dir)
    _kill(killed)
    await until(lambda: len(watchdogs_of(data_dir)) == 1 and watchdogs_of(data_dir) != killed)
    await asyncio.sleep(1.5)
    assert len(watchdogs_of(data_dir)) == len(postmasters_of(data_dir)) == 1
    await asyncio.gather(*(user.leave() for user in users))
    assert await query(server, "SELECT 1") == 1


@pytest.mark.parametrize("rounds", [3])
async def test_killed_postmaster_comes_back(data_dir: Path, server: EmbeddedPostgres, rounds: int) -> None:
    writer = Writer(server)
    await writer.prepare()
    for _ in range(rounds):
        writing = asyncio.create_task(writer.write(100))
        await asyncio.sleep(0.1)
        _kill(postmasters_of(data_dir))
        await writing
    await writer.check()
    assert len(postmasters_of(data_dir)) == 1


async def test_killed_backend_does_not_matter_for_long(server: EmbeddedPostgres) -> None:
    writer = Writer(server)
    await writer.prepare()
    await writer.write(20)
    connection = await asyncpg.connect(**server.connect_kwargs())
    os.kill(connection.get_server_pid(), signal.SIGKILL)
    await writer.write(20)
    await writer.check()
    connection.terminate()


async def test_watchdog_and_postmaster_killed_together_come_back(data_dir: Path, server: EmbeddedPostgres) -> None:
    writer = Writer(server)
    await writer.prepare()
    await writer.write(50)
    _kill(processes_of(data_dir))
    await writer.write(50)
    await writer.check()


async def test_ensure_running_does_not_wait_for_the_watcher(data_dir: Path, server: EmbeddedPostgres) -> None:
    _kill(processes_of(data_dir))
    await server.ensure_running()
    connection = await asyncpg.connect(**server.connect_kwargs())
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_all_processes_killed_together_keep_what_was_acknowledged(data_dir: Path) -> None:
    user = await UserProcess.start(data_dir)
    async with EmbeddedPostgres(data_dir) as server:
        writer = Writer(server)
        await writer.prepare()
        await writer.write(100)
    _kill(processes_of(data_dir))
    await user.kill()
    async with EmbeddedPostgres(data_dir):
        await writer.check()
    assert processes_of(data_dir) == []


async def test_requests_to_end_do_not_reach_a_watchdog_in_use(data_dir: Path, server: EmbeddedPostgres) -> None:
    watchdogs = watchdogs_of(data_dir)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(watchdogs[0], number)
    await asyncio.sleep(0.3)
    assert watchdogs_of(data_dir) == watchdogs
    assert await query(server, "SELECT 1") == 1


async def test_vanished_data_is_not_made_anew(data_dir: Path, server: EmbeddedPostgres) -> None:
    data = Layout.below(data_dir).data
    data.rename(data.with_name("moved"))
    _kill(processes_of(data_dir))
    with pytest.raises(EmbeddedPostgresError, match="vanished"):
        await server.ensure_running()
    assert not data.exists()
