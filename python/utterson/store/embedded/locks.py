"""File locks that the kernel drops when their process dies, however it dies."""

import asyncio
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

_POLL_S = 0.02


class FileLock:
    """One process's hold on a lock file, shared or exclusive; free when made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def try_acquire(self, *, shared: bool) -> bool:
        """Take the lock if that is possible at once; tell whether it was."""
        if self._file is not None:
            raise RuntimeError(f"the lock is held already: {self._path}")
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return True

    async def acquire(self, *, shared: bool) -> None:
        """Take the lock as soon as it is free. Polls, so that a cancelled caller leaves no thread behind."""
        while not self.try_acquire(shared=shared):
            await asyncio.sleep(_POLL_S)

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def __aenter__(self) -> Self:
        await self.acquire(shared=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_held_exclusively(path: Path) -> bool:
    """Tell whether some process holds the lock for itself alone."""
    probe = FileLock(path)
    if not probe.try_acquire(shared=True):
        return True
    probe.release()
    return False


def is_held(path: Path) -> bool:
    """Tell whether any process holds the lock, shared or not."""
    probe = FileLock(path)
    if not probe.try_acquire(shared=False):
        return True
    probe.release()
    return False
