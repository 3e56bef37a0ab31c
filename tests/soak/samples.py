"""What a run looks like at one moment, and the table of all of them."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

# What the state keeps of each row at the most, in bytes. An identifier, its profile included, takes less than 40
# (docs/architecture.md); a used id 64 in a table that may be half empty, and 32 in a queue that may be half empty; a
# trait 48 in such a table.
ROW_BYTES: Final[Mapping[str, int]] = {"identifiers": 40, "requests": 192, "traits": 96}
MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment: sizes in bytes, times in milliseconds, everything else in numbers."""

    at_s: float
    # The server: its private memory, its descriptors, connections to its port, threads.
    memory_bytes: int
    descriptors: int
    connections: int
    threads: int
    # Postgres: the private memory of all its processes, their number, and the connections of this database.
    database_memory_bytes: int
    database_processes: int
    database_connections: int
    # What is stored that the server keeps something of in memory.
    identifiers: int
    requests: int
    traits: int
    # The calls since the moment before.
    calls_per_second: float
    p50_ms: float
    p99_ms: float
    cancelled: int
    failed: int

    @property
    def explained_bytes(self) -> int:
        """The most that the state keeps of what is stored."""
        return sum(getattr(self, name) * size for name, size in ROW_BYTES.items())


def write(samples: Iterable[Sample], file: Path) -> None:
    """Write a table, one moment a line."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, [field.name for field in fields(Sample)])
        writer.writeheader()
        writer.writerows(asdict(sample) for sample in samples)
