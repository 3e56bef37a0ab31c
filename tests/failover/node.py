"""One node of the pair: a Postgres and the Patroni that looks after it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.crashes.server_process import free_port
from tests.failover.parts import Parts

SCOPE: Final = "utterson"
REST_TIMEOUT_S: Final = 60
END_TIMEOUT_S: Final = 30.0
# The least that Patroni takes for a lost leader; the others are as its manual wants them for that.
TTL_S: Final = 20
LOOP_WAIT_S: Final = 2
RETRY_TIMEOUT_S: Final = 5
# Two seconds of our load are more than the megabyte beyond which Patroni promotes nobody by itself.
LAG_BYTES_MAX: Final = 1 << 30
SHARED: Final[dict[str, Any]] = {
    "ttl": TTL_S,
    "loop_wait": LOOP_WAIT_S,
    "retry_timeout": RETRY_TIMEOUT_S,
    "maximum_lag_on_failover": LAG_BYTES_MAX,
    "synchronous_mode": True,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            "synchronous_commit": "on",
            "max_connections": 60,
            "shared_buffers": "64MB",
            "wal_retrieve_retry_interval": "1s",
        },
    },
}


class Node:
    """Started, killed, frozen and started again at the same ports.

    Args:
        name: as Patroni calls it.
        base: its folder; it is made.
        etcd: where etcd answers, as host and port.
        parts: the programs.
    """

    def __init__(self, name: str, base: Path, etcd: str, parts: Parts) -> None:
        self.name = name
        self.data_dir = base / "data"
        self.port = free_port()
        self.rest_port = free_port()
        self.log_file = base.with_suffix(".log")
        self._parts = parts
        self._settings = base.with_suffix(".json")
        self._process: subprocess.Popen[bytes] | None = None
        parts.own(base)
        # Every document of JSON is one of YAML.
        self._settings.write_text(json.dumps(self._patroni_settings(base, etcd)))

    def start(self) -> None:
        """Start Patroni, which starts Postgres."""
        with self.log_file.open("ab") as log:
            self._process = self._parts.start((*self._parts.patroni, self._settings), log)

    def kill_postmaster(self) -> None:
        """End Postgres as a crash of it does; Patroni lives on."""
        os.kill(self._postmaster(), signal.SIGKILL)

    def kill_postgres(self) -> None:
        """End all processes of Postgres, stopped ones too, which would keep a new one from starting."""
        postmaster = self._postmaster()
        _signal([postmaster, *_children([postmaster])], signal.SIGKILL)

    def kill(self) -> None:
        """End all of it at once, as a machine that loses its power."""
        victims = self._processes()
        for number in (signal.SIGSTOP, signal.SIGKILL):
            _signal(victims, number)
        assert self._process is not None
        self._process.wait(END_TIMEOUT_S)

    def freeze_patroni(self) -> None:
        """Let Patroni look no more; Postgres goes on."""
        assert self._process is not None
        _signal([self._process.pid], signal.SIGSTOP)

    def freeze(self) -> None:
        """Let nothing of it run, as a machine that is paused: connections stay, and nobody answers."""
        _signal(self._processes(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if nothing had happened."""
        _signal(self._processes(), signal.SIGCONT)

    def hold_replication(self) -> None:
        """Have the primary send nothing more to its standby, which keeps its connection."""
        senders = [process_id for process_id in _children([self._postmaster()]) if "walsender" in _title(process_id)]
        assert senders, "no standby is connected"
        _signal(senders, signal.SIGSTOP)

    async def stop(self) -> None:
        """End it in order."""
        if self._process is None or self._process.poll() is not None:
            return
        self.thaw()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, END_TIMEOUT_S)
        if self._process.poll() is None:
            self.kill()

    async def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        """Ask Patroni; None where it does not answer or says no."""
        return await asyncio.to_thread(self._asked, path, method, body)

    def _asked(self, path: str, method: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest_port}/{path}", data, method=method)
        timeout_s = REST_TIMEOUT_S if method == "POST" else 2
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                told = answer.read()
        except (OSError, urllib.error.URLError):
            return None
        try:
            return json.loads(told)
        except ValueError:
            return told.decode()

    def _patroni_settings(self, base: Path, etcd: str) -> dict[str, Any]:
        rest, postgres = f"127.0.0.1:{self.rest_port}", f"127.0.0.1:{self.port}"
        user = {"username": "postgres", "password": "postgres"}
        return {
            "scope": SCOPE,
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": etcd},
            "bootstrap": {"dcs": SHARED, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"]},
            "postgresql": {
                "listen": postgres,
                "connect_address": postgres,
                "data_dir": str(self.data_dir),
                "bin_dir": str(self._parts.postgres),
                "pgpass": str(base / "pgpass"),
                "authentication": {"superuser": user, "replication": user},
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "parameters": {"unix_socket_directories": ""},
            },
        }

    def postmaster(self) -> int | None:
        """Tell the number of Postgres' first process; None where none is said to run."""
        try:
            return int((self.data_dir / "postmaster.pid").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            return None

    def _postmaster(self) -> int:
        found = self.postmaster()
        assert found is not None, f"no Postgres of {self.name} runs"
        return found

    def _processes(self) -> list[int]:
        """Tell Patroni, the postmaster, and all that they started."""
        assert self._process is not None
        postmaster = self.postmaster()
        roots = [self._process.pid, *([] if postmaster is None else [postmaster])]
        return [*roots, *_children(roots)]


def _children(parents: list[int]) -> list[int]:
    """Find all descendants."""
    by_parent: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                by_parent.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    left = list(parents)
    while left:
        more = by_parent.get(left.pop(), [])
        found += more
        left += more
    return found


def _title(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/cmdline").read_text()
    except OSError:
        return ""


def _signal(process_ids: list[int], number: signal.Signals) -> None:
    for process_id in process_ids:
        with suppress(ProcessLookupError):
            os.kill(process_id, number)
