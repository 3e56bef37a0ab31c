"""What all tests share: one Postgres for the session, and a database of its own for each test or module."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from utterson.store.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def open_dir() -> Iterator[Path]:
    """A folder that every account can reach: pytest's own are closed to the account that runs Postgres for root."""
    folder = Path(tempfile.mkdtemp(prefix="utterson-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def postgres_cluster(open_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A running Postgres, started and stopped by the session."""
    async with EmbeddedPostgres(open_dir / "session") as cluster:
        yield cluster


@pytest.fixture
async def database_url(postgres_cluster: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database for one test."""
    async with fresh_database(postgres_cluster) as url:
        yield url


@pytest.fixture
async def other_database_url(postgres_cluster: EmbeddedPostgres) -> AsyncIterator[str]:
    """Another empty database for the same test."""
    async with fresh_database(postgres_cluster) as url:
        yield url


@pytest.fixture(scope="module")
async def module_database_url(postgres_cluster: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database for the tests of one file."""
    async with fresh_database(postgres_cluster) as url:
        yield url


@asynccontextmanager
async def fresh_database(cluster: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database for as long as the context lasts."""
    name, url = await new_database(cluster)
    yield url
    await _execute(cluster, f"DROP DATABASE {name} WITH (FORCE)")


async def new_database(cluster: EmbeddedPostgres) -> tuple[str, str]:
    """Make an empty database, which stays as long as its cluster; gives its name and address."""
    name = f"test_{secrets.token_hex(6)}"
    arguments = cluster.connect_kwargs()
    await _execute(cluster, f"CREATE DATABASE {name} STRATEGY = wal_log")
    address = f"/{name}?host={quote(arguments['host'], safe='')}&port={arguments['port']}"
    return name, f"postgresql://{arguments['user']}@{address}"


async def _execute(cluster: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(**cluster.connect_kwargs())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
