"""The folder of the socket between the front and the server behind: this account's alone, gone with its process."""

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from utterson.domain.startup import StartupError

PREFIX: Final = "utterson-front-"
# How it is named until it is locked: whoever sees the name above and no lock knows that its process has ended.
UNLOCKED_PREFIX: Final = "utterson-made-"
# So long after it was made, one that is not locked has lost its process.
UNLOCKED_S_MAX: Final = 60.0


class SocketFolder:
    """A folder that its process holds locked: the kernel drops the lock however the process ends.

    Args:
        path: the folder.
        lock: the open descriptor that holds the lock.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def make(cls, parent: str | None = None) -> Self:
        """Make one, and remove those that killed processes of this account have left.

        Args:
            parent: the folder for temporary files that it is to lie in, default the system's choice.

        Raises:
            StartupError: no folder for temporary files can be written to.
        """
        try:
            made = Path(tempfile.mkdtemp(prefix=UNLOCKED_PREFIX, dir=parent))
        except OSError as error:
            raise StartupError(
                f"no folder for temporary files can be written to ({error.strerror}): set TMPDIR to one that can"
            ) from None
        lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = made.rename(made.with_name(PREFIX + made.name.removeprefix(UNLOCKED_PREFIX)))
        _remove_left_behind(path.parent)
        return cls(path, lock)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_left_behind(parent: Path) -> None:
    """Remove the folders that nobody holds; what cannot be looked at or removed is left alone."""
    for path in (*parent.glob(f"{PREFIX}*"), *parent.glob(f"{UNLOCKED_PREFIX}*")):
        with suppress(OSError):
            _remove_unless_held(path)


def _remove_unless_held(path: Path) -> None:
    # Follows no link that somebody else laid there.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        age_s = time.time() - status.st_mtime  # noqa: TID251 - compared with a file's time
        being_made = path.name.startswith(UNLOCKED_PREFIX) and age_s < UNLOCKED_S_MAX
        if status.st_uid == os.geteuid() and not being_made:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)
