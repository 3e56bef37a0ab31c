"""The naive peer's database: made, filled by COPY, and read back as a partition."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import asyncpg

from benchmarks.harness import frames
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

RESOLVE = "SELECT resolved, outcome FROM resolve($1, $2, $3)"
# Another call was in the way: the same call may be sent again.
REPEATABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

_SCHEMA = Path(__file__).with_name("naive.sql")
_PROFILES_AT_ONCE = 50_000

Identifier: TypeAlias = tuple[str, str, str]
Partition: TypeAlias = frozenset[frozenset[Identifier]]


async def install(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make tables and functions in an empty database."""
    await connection.execute(_SCHEMA.read_text(encoding="utf-8"))


async def fill(connection: "asyncpg.Connection[asyncpg.Record]", population: Path) -> int:
    """Copy a population in, oldest profile first; tell how many identifiers it has."""
    count = 0
    profile_id = 0
    for block in _blocks(frames.population(population)):
        profiles, identifiers = [], []
        for request in block:
            profile_id += 1
            profiles.append((profile_id, request.workspace, request.merges))
            pairs = {(identifier.type, identifier.value): None for identifier in request.identifiers}
            identifiers += [(request.workspace, *pair, profile_id) for pair in pairs]
        await connection.copy_records_to_table(
            "profiles", records=profiles, columns=("profile_id", "workspace", "merges")
        )
        await connection.copy_records_to_table(
            "identifiers", records=identifiers, columns=("workspace", "type", "value", "profile_id")
        )
        count += len(identifiers)
    await connection.execute("SELECT setval('profiles_profile_id_seq', $1, false)", profile_id + 1)
    await connection.execute("VACUUM (ANALYZE)")
    return count


async def read_partition(connection: "asyncpg.Connection[asyncpg.Record]") -> Partition:
    """Read which identifiers belong together."""
    rows = await connection.fetch("SELECT workspace, type, value, profile_id FROM identifiers")
    return partition((row["profile_id"], (row["workspace"], row["type"], row["value"])) for row in rows)


def partition(rows: Iterator[tuple[int, Identifier]]) -> Partition:
    """Group identifiers by what they belong to."""
    groups: dict[int, set[Identifier]] = {}
    for owner, identifier in rows:
        groups.setdefault(owner, set()).add(identifier)
    return frozenset(frozenset(group) for group in groups.values())


def _blocks(encoded: Iterator[bytes]) -> Iterator[list[ImportProfilesRequest]]:
    block: list[ImportProfilesRequest] = []
    for one in encoded:
        block.append(ImportProfilesRequest.FromString(one))
        if len(block) == _PROFILES_AT_ONCE:
            yield block
            block = []
    if block:
        yield block
