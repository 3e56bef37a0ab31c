"""Making the folders and the cluster, and writing the server's settings."""

import os
import secrets
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from typing import BinaryIO

from utterson.store.embedded.account import Account, owner_id
from utterson.store.embedded.errors import EmbeddedPostgresError
from utterson.store.embedded.layout import Layout
from utterson.store.embedded.programs import run_program
from utterson.store.embedded.sizing import sizes_here

_DEFAULTS = """\
# Written by utterson at every start: changes here are lost. Put yours into overrides.conf beside this file.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {cache_mib}MB
max_wal_size = {log_mib}MB
# Files of the log that are used again need not be made anew, which stops every commit for as long as it takes.
min_wal_size = {log_kept_mib}MB
# Those that must be made are not filled with zeros first, which stops every commit for up to 50 ms.
wal_init_zero = off
checkpoint_timeout = 15min
# The only method that every build has takes longer over a page than all else that a call costs.
wal_compression = off
jit = off
# An acknowledged commit survives a crash and a power cut.
fsync = on
full_page_writes = on
synchronous_commit = on
# Details and contexts of errors hold values of rows, which are personal data.
log_error_verbosity = terse
"""
# The builtin provider sorts and folds in the same way on every system.
_INITDB_ARGUMENTS = (
    "--username=postgres",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
)
_MAJOR_MIN = 17


def prepare_folders(layout: Layout, account: Account | None) -> None:
    """Make the folders that are missing, closed to others; folders above ours that exist keep their rights.

    Raises:
        EmbeddedPostgresError: a folder cannot be made, belongs to somebody else, or is closed to the account.
    """
    data_dir = layout.base.parent
    try:
        missing = [folder for folder in (layout.base, *layout.base.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)
            # Of folders above ours nobody's rights depend on who reads their names: all may pass.
            _close(folder, account) if folder in (layout.base, data_dir) else folder.chmod(0o711)
        # Builds before this one left it open for reading.
        if layout.base.stat().st_uid == os.geteuid():
            _close(layout.base, account)
        if account is not None and not account.reaches(layout.base):
            raise EmbeddedPostgresError(
                f"the account {account.name}, which runs Postgres for root, cannot reach {layout.base}:"
                " choose another --data-dir, such as /var/lib/utterson"
            )
        _prepare_private(layout.sockets, account)
    except OSError as error:
        raise EmbeddedPostgresError(f"the data folder {data_dir} cannot be used: {error.strerror}") from error


def _close(folder: Path, account: Account | None) -> None:
    """Close a folder of the caller's to all but the server's account, which may pass; whatever the umask says."""
    if account is not None:
        os.chown(folder, -1, account.group_id)
    folder.chmod(0o700 if account is None else 0o710)


def open_log(layout: Layout) -> BinaryIO:
    """Open what Postgres says, at its end, for the caller alone: it may tell what was asked of it."""
    descriptor = os.open(layout.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)  # builds before this one left it to the umask
    return os.fdopen(descriptor, "ab")


def _prepare_private(folder: Path, account: Account | None) -> None:
    """Make a folder that only the server's account may enter, and check that an existing one is of that kind."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        if account is not None:
            os.chown(folder, account.user_id, account.group_id)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner_id(account) or status.st_mode & 0o077:
        raise EmbeddedPostgresError(
            f"{folder} belongs to another account or is open to others: was the data folder made by another user?"
        )


def write_defaults(layout: Layout, account: Account | None) -> None:
    """Write our settings of the server, whole or not at all, for the server's account to read."""
    partial = layout.defaults.with_suffix(".partial")
    sizes = sizes_here(layout.base)
    text = _DEFAULTS.format(cache_mib=sizes.cache_mib, log_mib=sizes.log_mib, log_kept_mib=sizes.log_mib // 4)
    partial.write_text(text, encoding="utf-8")
    if account is not None:
        os.chown(partial, -1, account.group_id)
    partial.chmod(0o600 if account is None else 0o640)
    partial.rename(layout.defaults)


def prepare_cluster(layout: Layout, binaries: Path, account: Account | None) -> None:
    """Make the cluster if there is none, and check that the programs fit it. Takes a second or two.

    Raises:
        EmbeddedPostgresError: the cluster cannot be made, or is of another major version.
    """
    wanted = _major_version(binaries, account)
    version_file = layout.data / "PG_VERSION"
    if version_file.exists():
        found = version_file.read_text(encoding="ascii").strip()
        if found != str(wanted):
            raise EmbeddedPostgresError(
                f"the data in {layout.data} is of Postgres {found}, the programs in {binaries} are Postgres {wanted}:"
                " move the data with pg_upgrade, or with pg_dump and pg_restore"
            )
        return
    for leftover in layout.base.glob("data.partial.*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # A fresh name: an initdb whose starter was killed may still be writing into the old one.
    partial = layout.base / f"data.partial.{secrets.token_hex(4)}"
    partial.mkdir(mode=0o700)
    if account is not None:
        os.chown(partial, account.user_id, account.group_id)
    result = run_program(binaries / "initdb", f"--pgdata={partial}", *_INITDB_ARGUMENTS, account=account)
    if result.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise EmbeddedPostgresError(f"Postgres could not make its data folder: {_reason(result)}")
    with (partial / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(
            f"include_if_exists = '../{layout.defaults.name}'\ninclude_if_exists = '../{layout.overrides.name}'\n"
        )
        file.flush()
        os.fsync(file.fileno())
    partial.rename(layout.data)
    _sync_folder(layout.base)


def _major_version(binaries: Path, account: Account | None) -> int:
    result = run_program(binaries / "postgres", "--version", account=account)
    if result.returncode != 0:
        raise EmbeddedPostgresError(f"{binaries / 'postgres'} does not run: {_reason(result)}")
    version = result.stdout.removeprefix("postgres (PostgreSQL) ").split(".")[0].split()[0]
    major = int("".join(character for character in version if character.isdigit()))
    if major < _MAJOR_MIN:
        raise EmbeddedPostgresError(f"Postgres {major} in {binaries} is too old: {_MAJOR_MIN} or newer is needed")
    return major


def _reason(result: subprocess.CompletedProcess[str]) -> str:
    """Tell what a program said last before it failed, or how it ended."""
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    if lines:
        return lines[-1]
    if result.returncode < 0:
        return f"it was ended by signal {-result.returncode} ({signal.strsignal(-result.returncode)})"
    return f"it ended with status {result.returncode}, and gave no reason"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
