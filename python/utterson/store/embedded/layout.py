"""Where the embedded Postgres keeps its files: all below `<data folder>/postgres`, except a socket with a long path."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

# The kernel takes 107 bytes for a socket's path, and Postgres adds "/.s.PGSQL.5432.lock" to the folder's.
_SOCKET_FOLDER_BYTES_MAX = 87


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one embedded Postgres.

    Attributes:
        base: the folder that holds everything below.
        data: the cluster itself; it appears complete or not at all.
        sockets: where the server listens; its rights decide who may connect.
        users_lock: held shared by every process that uses the server.
        start_lock: held by the one process that is looking after the start.
        watchdog_lock: held by the watchdog while it lives.
        log: what the watchdog and Postgres have to say.
        defaults: our settings, written anew at every start.
        overrides: the owner's settings, never written.
    """

    base: Path
    data: Path
    sockets: Path
    users_lock: Path
    start_lock: Path
    watchdog_lock: Path
    log: Path
    defaults: Path
    overrides: Path

    @classmethod
    def below(cls, data_dir: Path) -> "Layout":
        """Lay out the files below a data folder, which need not exist."""
        base = data_dir.resolve() / "postgres"
        return cls(
            base=base,
            data=base / "data",
            sockets=_socket_folder(base),
            users_lock=base / "users.lock",
            start_lock=base / "start.lock",
            # Named as builds before this one name it: their watchdog and ours must never run side by side.
            watchdog_lock=base / "guard.lock",
            log=base / "postgres.log",
            defaults=base / "defaults.conf",
            overrides=base / "overrides.conf",
        )


def _socket_folder(base: Path) -> Path:
    folder = base / "run"
    if len(os.fsencode(folder)) <= _SOCKET_FOLDER_BYTES_MAX:
        return folder
    digest = hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
    return Path("/tmp") / f"utterson-{os.geteuid()}-{digest}"  # noqa: S108 - its owner is checked before use
