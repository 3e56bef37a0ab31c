"""What this build wants of a database: numbered migrations, and the current body of each function."""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

from utterson.domain.startup import StartupError

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
# How a migration names a function that it brings to a new body: with the digest of the function's file.
_NAMED_FUNCTION = re.compile(r"^-- function ([a-z0-9_]+) ([0-9a-f]{32})$", re.MULTILINE)


class MigrationError(StartupError):
    """The database's migrations do not fit this build."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration; by its digest an edited file is noticed."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> bytes:
        """Identify the file's content, 16 bytes."""
        return _digest(self.sql)

    @property
    def functions(self) -> dict[str, str]:
        """The functions that the migration brings to a new body, with their files' digests."""
        return dict(_NAMED_FUNCTION.findall(self.sql))


@dataclass(frozen=True, slots=True)
class Function:
    """A function's one body: a statement that creates or replaces it."""

    name: str
    sql: str

    @property
    def digest(self) -> str:
        """Identify the file's content, as a migration names it."""
        return _digest(self.sql).hex()


@dataclass(frozen=True, slots=True)
class Schema:
    """The migrations in order of their numbers, which have no gaps, and the functions as the last of them wants them.

    Raises:
        MigrationError: the files contradict each other.
    """

    migrations: tuple[Migration, ...]
    functions: tuple[Function, ...]

    def __post_init__(self) -> None:
        """Check that a body is the one that the newest migration to name it speaks of.

        So a database's number of migrations tells which bodies it has, and no build puts an older one back.
        """
        if [migration.version for migration in self.migrations] != list(range(1, len(self.migrations) + 1)):
            raise MigrationError("the migrations' numbers have gaps or doubles")
        wanted: dict[str, str] = {}
        for migration in self.migrations:
            wanted.update(migration.functions)
        for function in self.functions:
            if wanted.get(function.name) != function.digest:
                raise MigrationError(
                    f"{function.name} has a new body; it comes with a migration that has the line"
                    f" '-- function {function.name} {function.digest}'"
                )


def read_schema() -> Schema:
    """Read this build's migrations and functions.

    Raises:
        MigrationError: the files contradict each other.
    """
    return Schema(tuple(read_migrations()), tuple(_read_functions()))


def read_migrations() -> list[Migration]:
    """Read this build's migrations, in order of their numbers."""
    files = resources.files(__package__).joinpath("migrations").iterdir()
    named = [(file, match) for file in files if (match := _FILE_NAME.fullmatch(file.name))]
    migrations = [Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")) for file, match in named]
    return sorted(migrations, key=lambda migration: migration.version)


def _read_functions() -> list[Function]:
    files = resources.files(__package__).joinpath("functions").iterdir()
    bodies = [file for file in files if file.name.endswith(".sql")]
    functions = [Function(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in bodies]
    return sorted(functions, key=lambda function: function.name)


def _digest(sql: str) -> bytes:
    return hashlib.blake2b(sql.encode(), digest_size=16).digest()
