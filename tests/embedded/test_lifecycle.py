"""Starting, sharing and stopping in order."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.embedded.processes import NEEDS_PROC, UserProcess, postmasters_of, processes_of, query, watchdogs_of
from utterson.store.embedded import EmbeddedPostgres, EmbeddedPostgresError
from utterson.store.embedded.account import Account, server_account
from utterson.store.embedded.binaries import find_binaries
from utterson.store.embedded.layout import Layout
from utterson.store.embedded.programs import run_program

pytestmark = NEEDS_PROC

_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands Postgres to another account")


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
    ],
)
async def test_settings_are_durable_and_private(postgres_cluster: EmbeddedPostgres, name: str, value: str) -> None:
    assert await query(postgres_cluster, f"SHOW {name}") == value


async def test_text_sorts_by_code_point_and_folds_all_letters(postgres_cluster: EmbeddedPostgres) -> None:
    assert await query(postgres_cluster, "SELECT lower('É') || ('Z' < 'a')::text") == "étrue"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are left as they are")
async def test_a_backend_that_wakes_waits_its_turn_whoever_started_it(data_dir: Path) -> None:
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    async with EmbeddedPostgres(data_dir):
        policies = {os.sched_getscheduler(number) for number in postmasters_of(data_dir)}
    assert policies == {os.SCHED_BATCH}


async def test_leaving_leaves_no_process_and_keeps_the_data(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir) as server:
        await query(server, "CREATE TABLE kept AS SELECT 7 AS value")
        assert len(processes_of(data_dir)) == 2
    assert processes_of(data_dir) == []
    async with EmbeddedPostgres(data_dir) as server:
        assert await query(server, "SELECT value FROM kept") == 7


async def test_dsn_connects(postgres_cluster: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres_cluster.dsn)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


async def test_processes_share_one_server_until_the_last_leaves(data_dir: Path) -> None:
    other = await UserProcess.start(data_dir)
    postmasters = postmasters_of(data_dir)
    async with EmbeddedPostgres(data_dir) as server:
        assert postmasters_of(data_dir) == postmasters
        await other.leave()
        await asyncio.sleep(0.5)
        assert await query(server, "SELECT 1") == 1
    assert processes_of(data_dir) == []


async def test_many_that_start_together_get_one_server(data_dir: Path) -> None:
    users = await asyncio.gather(*(UserProcess.start(data_dir) for _ in range(4)))
    assert len(watchdogs_of(data_dir)) == len(postmasters_of(data_dir)) == 1
    await asyncio.gather(*(user.leave() for user in users))
    assert processes_of(data_dir) == []


async def test_socket_of_a_deep_folder_is_elsewhere(data_dir: Path) -> None:
    deep = data_dir.joinpath(*["deep" * 5] * 5)
    async with EmbeddedPostgres(deep) as server:
        sockets = Path(server.connect_kwargs()["host"])
        assert sockets.parent == Path("/tmp")
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert await query(server, "SELECT 1") == 1
    sockets.rmdir()


async def test_lock_file_that_names_a_stranger_is_no_obstacle(
    data_dir: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    layout = Layout.below(data_dir)
    for lock in (layout.data / "postmaster.pid", layout.sockets / ".s.PGSQL.5432.lock"):
        lock.write_text(f"{stranger.pid}\n{layout.data}\n1700000000\n5432\n{layout.sockets}\n")
    async with EmbeddedPostgres(data_dir) as server:
        assert await query(server, "SELECT 1") == 1
    assert stranger.poll() is None


async def test_leftover_of_a_broken_first_start_is_removed(data_dir: Path) -> None:
    leftover = Layout.below(data_dir).base / "data.partial.0"
    leftover.mkdir(parents=True)
    for folder in (data_dir, data_dir / "postgres"):
        folder.chmod(0o755)
    async with EmbeddedPostgres(data_dir) as server:
        assert await query(server, "SELECT 1") == 1
    assert not leftover.exists()


async def test_data_of_another_major_version_is_refused(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    (Layout.below(data_dir).data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="pg_upgrade"):
        async with EmbeddedPostgres(data_dir):
            pass


async def test_server_that_cannot_start_says_why(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    Layout.below(data_dir).overrides.write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match=r"postgres\.log ends: .*FATAL"):
        async with EmbeddedPostgres(data_dir):
            pass
    assert processes_of(data_dir) == []


async def test_owner_can_override_settings(data_dir: Path) -> None:
    async with EmbeddedPostgres(data_dir):
        pass
    Layout.below(data_dir).overrides.write_text("work_mem = 9MB\n")
    async with EmbeddedPostgres(data_dir) as server:
        assert await query(server, "SHOW work_mem") == "9MB"


async def test_log_holds_no_values_of_rows(server: EmbeddedPostgres) -> None:
    await query(server, "CREATE TABLE people (mail text PRIMARY KEY)")
    connection = await asyncpg.connect(**server.connect_kwargs())
    await connection.execute("INSERT INTO people VALUES ($1)", "carew@example.org")
    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        await connection.execute("INSERT INTO people VALUES ($1)", "carew@example.org")
    assert "carew" in str(caught.value.detail)
    await connection.close()
    log = server.log_file.read_text()
    assert "duplicate key" in log
    assert "carew" not in log


async def test_missing_programs_are_named(data_dir: Path, open_dir: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="no program postgres"):
        async with EmbeddedPostgres(data_dir, binaries_dir=open_dir):
            pass


@_AS_ROOT
async def test_root_is_told_of_a_folder_that_postgres_cannot_reach(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match="cannot reach"):
        async with EmbeddedPostgres(data_dir):
            pass
    assert data_dir.parent.stat().st_mode & 0o777 == 0o700


@_AS_ROOT
async def test_existing_folder_keeps_its_rights(data_dir: Path) -> None:
    data_dir.mkdir()
    data_dir.chmod(0o751)
    async with EmbeddedPostgres(data_dir):
        pass
    assert data_dir.stat().st_mode & 0o777 == 0o751


@_AS_ROOT
async def test_programs_that_postgres_cannot_reach_are_copied(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reaches(_: Account, path: Path) -> bool:
        return "site-packages" not in path.parts

    monkeypatch.setattr(Account, "reaches", reaches)
    account = server_account()
    data_dir.mkdir()
    binaries = find_binaries(None, data_dir / "binaries", account)
    assert data_dir in binaries.parents
    assert run_program(binaries / "initdb", "--version", account=account).returncode == 0
    stamp = (binaries / "postgres").stat().st_ino
    assert find_binaries(None, data_dir / "binaries", account) == binaries
    assert (binaries / "postgres").stat().st_ino == stamp
