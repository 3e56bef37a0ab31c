"""What the key of `identifiers` costs a row (docs/decisions/0010-what-a-commit-costs-the-database.md).

`python -m benchmarks.experiments.keys --identifiers 9000000` fills three tables with the same identifiers, then inserts
batches into them in turn, of which an eleventh goes to old profiles, and prints µs a row, the median of the rounds:

- digest: keyed as the service does, so that the key itself enforces one owner. Each row has a place of its own.
- profile: keyed by the profile first. Rows of new profiles lie at the end of the key; nothing enforces one owner.
- none: no key at all.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
import uuid
from enum import Enum
from pathlib import Path
from typing import TypeAlias

import asyncpg

from utterson.store.embedded import EmbeddedPostgres

BATCH = 270
BATCHES_IN_ROUND = 100
IDENTIFIERS_IN_PROFILE = 3
OLD_PROFILE_EVERY = 11

TABLE = """
CREATE TABLE {name} (
    workspace_key bigint, digest uuid, slot bigint, profile bigint, type text COLLATE "C",
    normalized_value text COLLATE "C", raw_value text COLLATE "C", added_us bigint, seen_day integer
) WITH (fillfactor = 90)
"""
FILL = """
INSERT INTO {name} SELECT 1, md5(n::text)::uuid, 0, n / {profile}, 'email', 'user' || n || '@example.com',
    'user' || n || '@example.com', n, 20000 FROM generate_series(1, $1::bigint) AS n
"""
INSERT = """
INSERT INTO {name} SELECT 1, unnest($1::uuid[]), 0, unnest($2::bigint[]), 'email', 'somebody@example.com',
    'somebody@example.com', 0, 20000
"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Key(Enum):
    """The columns of a table's primary key."""

    DIGEST = "workspace_key, digest, slot"
    PROFILE = "workspace_key, profile, digest, slot"
    NONE = ""

    @property
    def table(self) -> str:
        """The name of the table that has this key."""
        return f"identifiers_by_{self.name.lower()}"


class Rows:
    """Makes batches of rows: digests by chance, most of them of new profiles."""

    def __init__(self, identifiers: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._old_profiles = self._next_profile = identifiers // IDENTIFIERS_IN_PROFILE

    def batch(self) -> tuple[list[uuid.UUID], list[int]]:
        """Make one batch: digests and profiles."""
        digests = [uuid.UUID(bytes=self._random.randbytes(16)) for _ in range(BATCH)]
        profiles = []
        for place in range(BATCH):
            if place % OLD_PROFILE_EVERY == 0:
                profiles.append(self._random.randrange(self._old_profiles))
            else:
                self._next_profile += place % IDENTIFIERS_IN_PROFILE == 0
                profiles.append(self._next_profile)
        return digests, profiles


async def prepare(connection: Connection, key: Key, identifiers: int) -> None:
    """Make a table, fill it, and give it its key."""
    await connection.execute(TABLE.format(name=key.table))
    await connection.execute(FILL.format(name=key.table, profile=IDENTIFIERS_IN_PROFILE), identifiers)
    if key.value:
        await connection.execute(f"ALTER TABLE {key.table} ADD PRIMARY KEY ({key.value})")


async def insert(connection: Connection, key: Key, rows: Rows) -> float:
    """Insert a round of batches; return µs a row."""
    statement = await connection.prepare(INSERT.format(name=key.table))
    batches = [rows.batch() for _ in range(BATCHES_IN_ROUND)]
    begin = time.perf_counter()
    for batch in batches:
        await statement.fetch(*batch)
    return (time.perf_counter() - begin) / (BATCHES_IN_ROUND * BATCH) * 1e6


async def measure(connection: Connection, identifiers: int, rounds: int, seed: int) -> dict[str, list[float]]:
    """Insert into the tables in turn; return µs a row for each round."""
    for key in Key:
        await prepare(connection, key, identifiers)
    # The disk is not asked here: what is measured is the work for a row. Whole pages are logged in the first rounds.
    await connection.execute("SET synchronous_commit = off")
    await connection.execute("CHECKPOINT")
    rows = Rows(identifiers, seed)
    readings: dict[str, list[float]] = {key.name.lower(): [] for key in Key}
    for _ in range(rounds):
        for key in Key:
            readings[key.name.lower()].append(await insert(connection, key, rows))
    return readings


async def run(folder: Path, identifiers: int, rounds: int, seed: int) -> None:
    """Measure in a database of its own, and print."""
    async with EmbeddedPostgres(folder / "data") as postgres:
        connection = await asyncpg.connect(**postgres.connect_kwargs())
        readings = await measure(connection, identifiers, rounds, seed)
        await connection.close()
    told = {name: round(statistics.median(each), 2) for name, each in readings.items()}
    ratios = [digest / profile for digest, profile in zip(readings["digest"], readings["profile"], strict=True)]
    print(json.dumps({"us_a_row": told, "digest_to_profile": round(statistics.median(ratios), 2), "seed": seed}))


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identifiers", type=int, default=1_000_000, help="rows in each table before")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Postgres may run as another account.
        folder.chmod(0o755)
        asyncio.run(run(folder, options.identifiers, options.rounds, options.seed))


if __name__ == "__main__":
    main()
