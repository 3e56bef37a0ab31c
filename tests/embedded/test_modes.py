"""Nobody else may read what the embedded Postgres keeps, whatever the umask says and an earlier build left open."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from utterson.store.embedded import EmbeddedPostgres
from utterson.store.embedded.layout import Layout

OTHERS = 0o007
OTHERS_READ = 0o006


@pytest.fixture(params=[0o000, 0o027, 0o077], ids=lambda umask: f"umask-{umask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("umask")
async def test_what_is_kept_is_closed_to_others(data_dir: Path) -> None:
    deep = data_dir / "above" / "utterson"
    layout = Layout.below(deep)
    async with EmbeddedPostgres(deep):
        for folder in (layout.base, deep):
            assert mode(folder) in (0o700, 0o710)
        assert mode(layout.data) == mode(layout.sockets) == 0o700
        for file in (layout.log, layout.users_lock, layout.start_lock, layout.watchdog_lock):
            assert mode(file) == 0o600
        assert mode(layout.defaults) in (0o600, 0o640)
        # What was made on the way there tells nobody what lies in it.
        assert mode(data_dir) & OTHERS_READ == 0
        kept = [path for path in layout.base.rglob("*") if not path.is_symlink() and "binaries" not in path.parts]
        assert [path for path in kept if mode(path) & OTHERS] == []


async def test_what_an_earlier_build_left_open_is_closed(data_dir: Path) -> None:
    layout = Layout.below(data_dir)
    layout.base.mkdir(parents=True)
    layout.base.chmod(0o755)
    data_dir.chmod(0o755)
    layout.log.touch(0o644)
    layout.log.chmod(0o644)
    async with EmbeddedPostgres(data_dir):
        assert mode(layout.base) in (0o700, 0o710)
        assert mode(layout.log) == 0o600
        # The folder above may hold other things of its owner's.
        assert mode(data_dir) == 0o755
