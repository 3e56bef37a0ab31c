"""Which account of the system runs Postgres. Postgres refuses root; every other account runs it itself."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from utterson.store.embedded.errors import EmbeddedPostgresError

_NAMES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An account to run a program as; the caller is root.

    Attributes:
        name: as the system lists it.
        user_id: its number.
        group_id: the number of its main group; it is given no other.
    """

    name: str
    user_id: int
    group_id: int

    def reaches(self, path: Path) -> bool:
        """Tell whether the account may enter the folder, or run the file, and every folder above it."""
        return all(self._may_execute(part) for part in (path, *path.parents))

    def _may_execute(self, path: Path) -> bool:
        status = path.stat()
        if status.st_uid == self.user_id:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.group_id:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)


def server_account() -> Account | None:
    """Choose the account: None is the caller's own. Accounts are never added.

    Raises:
        EmbeddedPostgresError: the caller is root and the system has none of the usual accounts.
    """
    if os.geteuid() != 0:
        return None
    for name in _NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, user_id=entry.pw_uid, group_id=entry.pw_gid)
    raise EmbeddedPostgresError(
        "Postgres does not run as root, and neither the account postgres nor nobody exists: start as another user"
    )


def owner_id(account: Account | None) -> int:
    """Tell who must own the server's folders."""
    return os.geteuid() if account is None else account.user_id
