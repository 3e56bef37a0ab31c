"""The watchdog: a small process of its own that runs Postgres while anybody uses it, and stops it afterwards.

Every user holds `users.lock` shared; the kernel drops that hold however the user ends. The watchdog starts Postgres
again whenever it ends, and stops it in order as soon as it gets the lock for itself. It sits in its own session, so
that a Ctrl-C meant for a user does not reach it, and it ignores requests to end: it ends when its users have.

This file is run as a script by an isolated interpreter: it imports nothing but the standard library.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

EXIT_STOPPED = 0
EXIT_FAILED = 1
EXIT_NOT_ALONE = 3

SOCKET_PORT = 5432  # only part of the socket's name: nothing listens on the network

_POLL_S = 0.1
_LOCK_TRIES_MAX = 20
_STOP_TIMEOUT_S = 120.0
_ABORT_TIMEOUT_S = 10.0
# A server that lived this long had started well; one that ends sooner, so many times in a row, cannot be started.
_STARTED_WELL_S = 5.0
_FAILURES_MAX = 5
_PAUSE_S_MAX = 2.0
# An unreadable lock file younger than this may be one that a server is just writing.
_UNREADABLE_AGE_S = 5.0


@dataclass(frozen=True, slots=True)
class WatchdogConfig:
    """What the watchdog is told by its starter: paths, and who runs Postgres (numbers of an account; None: itself)."""

    program: str
    data: str
    sockets: str
    users_lock: str
    watchdog_lock: str
    user_id: int | None
    group_id: int | None

    def encode(self) -> str:
        """Write the configuration as one argument of a command line."""
        return json.dumps(asdict(self))


class Server:
    """A running postmaster: our child, or one that an earlier watchdog left behind."""

    def __init__(self, process_id: int, data: str, child: "subprocess.Popen[bytes] | None") -> None:
        self.process_id = process_id
        self._data = data
        self._child = child

    def is_running(self) -> bool:
        """Tell whether it still runs."""
        if self._child is not None:
            return self._child.poll() is None
        return is_postmaster(self.process_id, self._data)

    def stop(self) -> None:
        """Disconnect everybody, write everything to disk, end; if that takes too long, end at once."""
        for number, timeout_s in ((signal.SIGINT, _STOP_TIMEOUT_S), (signal.SIGQUIT, _ABORT_TIMEOUT_S)):
            if not self.is_running():
                return
            os.kill(self.process_id, number)
            deadline = time.monotonic() + timeout_s
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(_POLL_S / 5)


def is_postmaster(process_id: int, data: str) -> bool:
    """Tell whether a process is the postmaster of our data, and not a stranger who got its number, nor a dead one."""
    if not Path("/proc/self/cmdline").exists():
        arguments = _arguments_from_ps(process_id)
    else:
        try:
            # A process that has ended but was not yet waited for has an empty command line.
            arguments = Path(f"/proc/{process_id}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
    return arguments[0].rpartition(b"/")[2] == b"postgres" and os.fsencode(data) in arguments[1:]


def _arguments_from_ps(process_id: int) -> list[bytes]:
    command = ["ps", "-ww", "-o", "command=", "-p", str(process_id)]
    return subprocess.run(command, capture_output=True, check=False).stdout.split() or [b""]  # noqa: S603


def adopt(config: WatchdogConfig) -> Server | None:
    """Find the server that runs already; otherwise remove the lock files of one that does not.

    Postgres itself trusts any living process with the number in the file: after a crash or in a restarted container
    that is a stranger, and the server would never start.
    """
    for lock in (Path(config.data, "postmaster.pid"), Path(config.sockets, f".s.PGSQL.{SOCKET_PORT}.lock")):
        with contextlib.suppress(FileNotFoundError):
            try:
                process_id = int(lock.read_text(encoding="ascii").split("\n", 1)[0])
            except ValueError:
                if time.time() - lock.stat().st_mtime < _UNREADABLE_AGE_S:  # noqa: TID251 - compared with a file's time
                    continue
                process_id = 0
            if process_id > 0 and is_postmaster(process_id, config.data):
                return Server(process_id, config.data, child=None)
            lock.unlink()
    return None


def start(config: WatchdogConfig) -> Server:
    """Start the server as the right account."""
    child = subprocess.Popen(  # noqa: S603 - our own program and paths
        [config.program, "-D", config.data, "-k", config.sockets, "-p", str(SOCKET_PORT)],
        stdin=subprocess.DEVNULL,
        cwd="/",
        user=config.user_id,
        group=config.group_id,
        extra_groups=None if config.user_id is None else [],
    )
    return Server(child.pid, config.data, child)


def keep_running(config: WatchdogConfig, users: int) -> int:
    """Run Postgres until nobody uses it. Returns the watchdog's exit code."""
    failures = 0
    while True:
        server = adopt(config)
        if _try_lock(users):
            if server is not None:
                server.stop()
            return EXIT_STOPPED
        if server is None:
            server = start(config)
        began = time.monotonic()
        while server.is_running():
            if _try_lock(users):
                server.stop()
                return EXIT_STOPPED
            time.sleep(_POLL_S)
        failures = 0 if time.monotonic() - began > _STARTED_WELL_S else failures + 1
        if failures >= _FAILURES_MAX:
            _say("Postgres ended too often: giving up")
            return EXIT_FAILED
        _say("Postgres ended while it is in use: starting it again")
        time.sleep(min(_POLL_S * 2**failures, _PAUSE_S_MAX))


def main() -> int:
    """Run as told on the command line. Returns the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _let_runners_finish()
    os.umask(0o077)
    config = WatchdogConfig(**json.loads(sys.argv[1]))
    # Left open: the kernel closes them when the process has ended, so a free lock means that no watchdog is left.
    alone = os.open(config.watchdog_lock, os.O_RDWR | os.O_CREAT, 0o600)
    users = os.open(config.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(_LOCK_TRIES_MAX):  # somebody may just be looking whether a watchdog holds it
        if _try_lock(alone):
            return keep_running(config, users)
        time.sleep(_POLL_S / 2)
    return EXIT_NOT_ALONE


def _let_runners_finish() -> None:
    """As `utterson.scheduling`: else a backend that wakes for the first part of a commit stops who sends the rest."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(sentence: str) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")  # noqa: TID251 - for people only
    sys.stderr.write(f"{now} UTC [{os.getpid()}] WATCHDOG:  {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
