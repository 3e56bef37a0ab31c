"""Where the front and the server behind it meet: a socket in a folder for temporary files.

Such folders are tidied by others, so the socket is looked after; and the name of a socket may not be long.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from utterson.domain.startup import StartupError

# The system's bound on the name of a socket, in bytes, without the zero at its end.
NAME_BYTES_MAX: Final = 107 if os.uname().sysname == "Linux" else 103
# Where sockets may lie whose own folder has too long a name.
SHORT_FOLDER: Final = "/tmp"  # noqa: S108 - the folder that is made in there is this account's alone
# What follows the folder in the longest name: a folder of ours, and in it the socket.
_OWN_BYTES: Final = 32


def socket_parent() -> str:
    """Choose the folder for temporary files, or a shorter one where a socket in it would have too long a name.

    Raises:
        StartupError: there is none.
    """
    try:
        chosen = tempfile.gettempdir()
    except OSError as error:
        raise StartupError(
            f"no folder for temporary files can be written to ({error.strerror}): set TMPDIR to one that can"
        ) from None
    if len(os.fsencode(chosen)) + _OWN_BYTES <= NAME_BYTES_MAX:
        return chosen
    if os.access(SHORT_FOLDER, os.W_OK | os.X_OK):
        return SHORT_FOLDER
    raise StartupError(
        f"the folder for temporary files has too long a name for a socket in it ({NAME_BYTES_MAX - _OWN_BYTES} bytes at"
        " most): set TMPDIR to a shorter one"
    )


class SocketPlace:
    """The place of the socket, which servers take one after another.

    A server listens under a name of its own, and its socket is then moved to the place: one that ends later removes its
    own name, not the socket of the next.

    Args:
        path: the place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._servers = 0
        self._found: tuple[int, int] | None = None

    def name_of_next(self) -> Path:
        """Name where the next server listens first; the folder is made anew if it is gone."""
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self._servers += 1
        return self.path.with_name(f"{self._servers}")

    def take(self, name: Path) -> None:
        """Move a server's socket to the place.

        Raises:
            OSError: it cannot be moved.
        """
        name.rename(self.path)
        self._found = self._look()

    @property
    def is_taken(self) -> bool:
        """Whether the socket that was put there is there still."""
        return self._found is not None and self._look() == self._found

    def _look(self) -> tuple[int, int] | None:
        try:
            status = self.path.lstat()
        except OSError:
            return None
        return status.st_dev, status.st_ino
