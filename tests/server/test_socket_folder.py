"""The folder of the front's socket: gone with its process, however that ends, and asked for in plain words."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cli.processes import COMMAND, environment
from utterson.domain.startup import StartupError
from utterson.server.front.socket_folder import PREFIX, UNLOCKED_PREFIX, SocketFolder

HOLDS = (
    "import sys, time; from utterson.server.front.socket_folder import SocketFolder;"
    " folder = SocketFolder.make(); (folder.path / 'grpc').touch(); print(folder.path, flush=True); time.sleep(60)"
)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder(temporary: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start a process that has a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, text=True, env=environment() | {"TMPDIR": str(temporary)}
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_is_removed_by_the_next(temporary: Path) -> None:
    killed, left = holder(temporary)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert left.is_dir()
    made = SocketFolder.make()
    assert list(temporary.iterdir()) == [made.path]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    made.remove()
    assert list(temporary.iterdir()) == []


def test_what_somebody_has_is_left_alone(temporary: Path) -> None:
    living, theirs = holder(temporary)
    others = [temporary / "utterson-0-0123456789ab", temporary / f"{UNLOCKED_PREFIX}new", temporary / f"{PREFIX}file"]
    others[0].mkdir()
    others[1].mkdir()
    others[2].touch()
    SocketFolder.make().remove()
    assert theirs.is_dir()
    assert all(other.exists() for other in others)
    living.kill()
    living.wait()


def test_a_link_leads_nowhere(temporary: Path) -> None:
    kept = temporary / "kept"
    kept.mkdir()
    (temporary / f"{PREFIX}link").symlink_to(kept)
    SocketFolder.make().remove()
    assert kept.is_dir()


def test_one_that_was_never_locked_is_removed_in_time(temporary: Path) -> None:
    left = temporary / f"{UNLOCKED_PREFIX}left"
    left.mkdir()
    os.utime(left, (0, 0))
    SocketFolder.make().remove()
    assert not left.exists()


def test_no_folder_for_temporary_files_is_a_clear_error(temporary: Path) -> None:
    tempfile.tempdir = str(temporary / "missing")
    with pytest.raises(StartupError, match=r"no folder for temporary files can be written to .*: set TMPDIR"):
        SocketFolder.make()


async def test_a_server_without_one_says_so_in_one_sentence(database_url: str) -> None:
    program = (
        "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/nonexistent'];"
        " from utterson.cli import main; main()"
    )
    ended = subprocess.run(
        [COMMAND[0], "-c", program, "serve", "--listen", "127.0.0.1:0", "--database-url", database_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment(),
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("utterson: no folder for temporary files can be written to")
