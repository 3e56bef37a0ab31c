"""Segment's Profiles Sync: three tables, joined by DuckDB into one profile a canonical id, oldest first."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from utterson.cli.importing.records import ImportFileError
from utterson.cli.importing.tables import duckdb_for, plain

# Each table, and its columns that are read.
_TABLES: Final = {
    "id_graph_updates": ("segment_id", "canonical_segment_id", "timestamp"),
    "external_id_mapping_updates": ("segment_id", "external_id_type", "external_id_value", "timestamp"),
    "profile_traits_updates": ("segment_id", "name", "value", "timestamp"),
}
_ROUNDS_MAX: Final = 100
_ROWS_AT_ONCE: Final = 1000

_CANONICAL: Final = """
CREATE TABLE canonical AS
SELECT segment_id, arg_max(canonical_segment_id, timestamp) AS canonical_id, min(timestamp) AS first_time
FROM id_graph_updates WHERE segment_id IS NOT NULL GROUP BY segment_id
"""
# An id whose canonical one was joined into another since.
_FOLLOW: Final = """
UPDATE canonical SET canonical_id = further.canonical_id FROM canonical AS further
WHERE canonical.canonical_id = further.segment_id AND canonical.canonical_id <> further.canonical_id
"""
_PROFILES: Final = """
WITH identifier AS (
    SELECT external_id_type AS type, external_id_value AS value, min(update.timestamp) AS first_time,
        arg_max(coalesce(canonical_id, update.segment_id), update.timestamp) AS profile
    FROM external_id_mapping_updates AS update LEFT JOIN canonical USING (segment_id)
    WHERE external_id_value IS NOT NULL GROUP BY type, value
), identifiers AS (
    SELECT profile, min(first_time) AS first_time,
        list({'type': type, 'value': value} ORDER BY first_time, type, value) AS identifiers
    FROM identifier GROUP BY profile
), trait AS (
    SELECT coalesce(canonical_id, update.segment_id) AS profile, name, arg_max(value, update.timestamp) AS value
    FROM profile_traits_updates AS update LEFT JOIN canonical USING (segment_id)
    WHERE name IS NOT NULL GROUP BY profile, name
), traits AS (
    SELECT profile, list({'name': name, 'value': value} ORDER BY name) AS traits FROM trait GROUP BY profile
), origin AS (
    SELECT canonical_id AS profile, min(first_time) AS first_time, count(*) AS ids FROM canonical GROUP BY profile
)
SELECT identifiers, coalesce(traits, []), least(origin.first_time, identifiers.first_time) AS created,
    greatest(coalesce(ids, 1) - 1, 0)
FROM identifiers LEFT JOIN traits USING (profile) LEFT JOIN origin USING (profile)
ORDER BY created, identifiers[1].value
"""


def profiles_of(paths: list[Path], folder: Path) -> Iterator[Mapping[str, object]]:
    """Join the tables; give each profile in the form of a line of JSON.

    Args:
        paths: the files, CSV or Parquet, each named after its table.
        folder: where DuckDB may put what does not fit into memory.

    Raises:
        ImportFileError: a table is missing or not what it should be.
    """
    duckdb = duckdb_for("Profiles Sync")
    config = {"memory_limit": "1GB", "temp_directory": str(folder), "threads": 2}
    with duckdb.connect(str(folder / "profiles_sync.db"), config=config) as database:
        try:
            database.execute("SET TimeZone = 'UTC'")
            for table, columns in _TABLES.items():
                _load(database, table, columns, paths, duckdb.Error)
            database.execute(_CANONICAL)
            for _ in range(_ROUNDS_MAX):
                if database.execute(_FOLLOW).fetchone()[0] == 0:
                    break
            result = database.execute(_PROFILES)
            while rows := result.fetchmany(_ROWS_AT_ONCE):
                yield from map(_fields, rows)
        except duckdb.Error:
            raise ImportFileError("the tables are not those of Profiles Sync, or damaged") from None


def _load(database: Any, table: str, columns: tuple[str, ...], paths: list[Path], error_kind: type[Exception]) -> None:
    files = [str(path) for path in paths if table in str(path)]
    if not files and table != "profile_traits_updates":
        raise ImportFileError(f"there is no file of the table {table}")
    types = [f"{name} {'TIMESTAMP' if name == 'timestamp' else 'VARCHAR'}" for name in columns]
    database.execute(f"CREATE TABLE {table} ({', '.join(types)})")
    for file in files:
        read = "read_parquet(?)" if file.endswith(".parquet") else "read_csv(?, header = true, all_varchar = true)"
        selected = ", ".join(f"CAST({name} AS TIMESTAMP)" if name == "timestamp" else name for name in columns)
        try:
            # Names of ours.
            database.execute(f"INSERT INTO {table} SELECT {selected} FROM {read}", [file])  # noqa: S608
        except error_kind:
            raise ImportFileError(f"{file}: must have the columns {', '.join(columns)}, the last one a time") from None


def _fields(row: tuple[Any, ...]) -> dict[str, object]:
    identifiers, traits, created, merges = row
    return {
        "identifiers": identifiers,
        "traits": {one["name"]: one["value"] for one in traits if one["value"] is not None},
        "create_time": plain(created),
        "merges": merges,
    }
