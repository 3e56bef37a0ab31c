"""A data folder, and a server on it, for one test."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.embedded.processes import processes_of
from utterson.store.embedded import EmbeddedPostgres


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder of one test; whatever still runs on it afterwards is ended."""
    base = Path(tempfile.mkdtemp(prefix="utterson-test-"))
    base.chmod(0o755)
    data_dir = base / "data"
    yield data_dir
    for process_id in processes_of(data_dir):
        os.kill(process_id, signal.SIGKILL)
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A running server that this process uses."""
    async with EmbeddedPostgres(data_dir, start_timeout_s=60) as server:
        yield server
