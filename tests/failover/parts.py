"""What a pair is made of: etcd, Patroni and the programs of Postgres, from the ordinary registries."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from utterson.store.embedded.account import Account, server_account
from utterson.store.embedded.binaries import find_binaries

ETCD_FOLDER: Final = Path(__file__).with_name("etcd")
ETCD_PACKAGE: Final = "go.etcd.io/etcd/server/v3"
BUILD_TIMEOUT_S: Final = 900
# Another account by a program of its own: asked for it, Popen forks a whole copy of this process, whose threads of gRPC
# are missing in it, and now and then it stands still before it begins.
BECOME: Final = """
import os, sys
user, group, *command = sys.argv[1:]
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
os.execv(command[0], command)
"""


class MissingError(Exception):
    """Something that a pair needs is not on this machine; the message says what to do."""


@dataclass(frozen=True)
class Parts:
    """Where everything is, and who runs it.

    Attributes:
        etcd: the program.
        patroni: the command line, without the file of settings.
        environment: of Patroni and all that it starts.
        postgres: the folder of Postgres' programs.
        account: who runs Patroni and Postgres, which refuses root; None is the caller.
    """

    etcd: Path
    patroni: Sequence[str]
    environment: Mapping[str, str]
    postgres: Path
    account: Account | None

    def own(self, folder: Path) -> None:
        """Make a folder that only the account of Postgres may enter."""
        folder.mkdir(mode=0o700)
        if self.account is not None:
            os.chown(folder, self.account.user_id, self.account.group_id)

    def start(self, command: Sequence[str | Path], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program as the account of Postgres, in a session of its own."""
        if self.account is not None:
            ids = (str(self.account.user_id), str(self.account.group_id))
            command = [sys.executable, "-c", BECOME, *ids, *command]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=self.environment,
            start_new_session=True,
        )


def found_parts(base: Path) -> Parts:
    """Find all parts, and build etcd.

    Args:
        base: a folder that every account may enter, for what has to be built or copied.

    Raises:
        MissingError: one of them is missing.
    """
    account = server_account()
    return Parts(
        etcd=_etcd(base / "etcd"),
        patroni=(_python(account), "-m", "patroni"),
        environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PYTHONPATH": os.pathsep.join(_packages(account))},
        postgres=find_binaries(None, base / "postgres", account),
        account=account,
    )


def _etcd(program: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        raise MissingError("etcd is built by Go: install it (https://go.dev/dl), then run `go mod download` here")
    # Nothing is fetched by a test.
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOPROXY": "off"}
    built = subprocess.run(
        [go, "build", "-o", program, ETCD_PACKAGE],
        cwd=ETCD_FOLDER, env=environment, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False,
    )  # fmt: skip
    if built.returncode != 0:
        last = (built.stderr.splitlines() or ["no reason"])[-1]
        raise MissingError(f"etcd cannot be built ({last}): run `go mod download` in tests/failover/etcd")
    return program


def _python(account: Account | None) -> str:
    """Choose an interpreter that the account can run: root's own is often closed to others."""
    beside = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path=os.defpath)
    for program in (sys.executable, beside):
        if program and (account is None or account.reaches(Path(program).resolve())):
            return program
    raise MissingError(f"no Python {sys.version_info.major}.{sys.version_info.minor} that the account postgres can run")


def _packages(account: Account | None) -> list[str]:
    """Tell where Patroni and its driver are installed."""
    found = [importlib.util.find_spec(name) for name in ("patroni", "psycopg")]
    folders = {str(Path(spec.origin).parent.parent) for spec in found if spec is not None and spec.origin is not None}
    if None in found or not folders:
        raise MissingError("Patroni is not installed: run it with `uv run --group failover`")
    if account is not None and not all(account.reaches(Path(folder)) for folder in folders):
        raise MissingError(f"the account {account.name} cannot enter {', '.join(folders)}: run it as another user")
    return sorted(folders)
