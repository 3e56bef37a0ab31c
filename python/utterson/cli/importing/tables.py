"""Tables in Parquet as sources, and as rejects: by DuckDB."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from utterson.cli.importing.records import ImportFileError, LineError, Record
from utterson.cli.importing.separated import Row
from utterson.client.values import JsonValue

_ROWS_AT_ONCE: Final = 1000


def duckdb_for(what: str) -> Any:
    """Give DuckDB, an extra; ImportFileError where it is not installed."""
    try:
        return import_module("duckdb")
    except ModuleNotFoundError:
        raise ImportFileError(f"{what} needs DuckDB: install utterson[import]") from None


class ParquetTable:
    """A table in Parquet, read in its order a thousand rows at a time.

    Args:
        path: the file.

    Raises:
        ImportFileError: it is none, or DuckDB is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = duckdb_for("Parquet")
        self._connection = self._database.connect(config={"threads": 1, "memory_limit": "512MB"})
        self._connection.execute("SET TimeZone = 'UTC'")
        try:
            # Names of columns, quoted.
            query = f"SELECT {self._selected()} FROM read_parquet(?)"  # noqa: S608
            self._result = self._connection.execute(query, [str(path)])
            (self.rows_total,) = (
                self._database.connect()
                .execute("SELECT coalesce(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata(?)", [str(path)])
                .fetchone()
            )
        except self._database.Error:
            raise ImportFileError(f"{path}: is no Parquet file, or a damaged one") from None
        self.columns: list[str] = [column[0] for column in self._result.description]
        self.rows_read = 0

    def _selected(self) -> str:
        """Times with their zone as UTC without one: so they need no further library in Python."""
        described = self._connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(self._path)]).fetchall()
        quoted = [(f'"{name.replace(chr(34), chr(34) * 2)}"', kind) for name, kind, *_ in described]
        return ", ".join(
            f"timezone('UTC', {name}) AS {name}" if kind == "TIMESTAMP WITH TIME ZONE" else name
            for name, kind in quoted
        )

    def rows(self) -> Iterator[Row]:
        """Read the rows; a place that cannot be read is the last."""
        while True:
            try:
                found = self._result.fetchmany(_ROWS_AT_ONCE)
            except self._database.Error:
                yield self.rows_read + 1, (), None, LineError("the file is damaged here: fetch it anew")
                return
            if not found:
                return
            for cells in found:
                self.rows_read += 1
                row = {name: plain(cell) for name, cell in zip(self.columns, cells, strict=True)}
                yield self.rows_read, cells, row, None


class ParquetRejects:
    """Copies rows of tables in Parquet into one of the same columns, and `reason`.

    Args:
        path: the table to write.
        tables: those to copy from, each by the name that records have of it.
    """

    def __init__(self, path: Path, tables: Mapping[str, Path]) -> None:
        self._path = path
        self._tables = tables
        self._database = duckdb_for("Parquet")
        self._connection = self._database.connect(config={"threads": 1, "memory_limit": "512MB"})
        self._connection.execute("CREATE TABLE rejects (file VARCHAR, line BIGINT, reason VARCHAR)")

    def add(self, record: Record, reason: str) -> None:
        """Take a row, and why."""
        path = str(self._tables[record.file])
        self._connection.execute("INSERT INTO rejects VALUES (?, ?, ?)", [path, record.line, reason])

    def write(self) -> None:
        """Write what was taken, in order; ImportFileError where that cannot be."""
        files = [str(path) for path in self._tables.values()]
        query = """
            SELECT t.* EXCLUDE ($besides), rejects.reason
            FROM read_parquet($files, filename = true, file_row_number = true, union_by_name = true) AS t
            JOIN rejects ON t.filename = rejects.file AND t.file_row_number + 1 = rejects.line
            ORDER BY rejects.rowid
        """
        try:
            read = f"read_parquet({_listed(files)}, union_by_name = true)"
            columns = self._connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()  # noqa: S608 - quoted
            old = ", reason" if any(name == "reason" for name, *_ in columns) else ""
            query = query.replace("$besides", f"filename, file_row_number{old}").replace("$files", _listed(files))
            self._connection.execute(f"CREATE VIEW chosen AS {query}")
            self._connection.execute(f"COPY chosen TO {_quoted(str(self._path))} (FORMAT parquet)")
        except self._database.Error:
            raise ImportFileError(f"{self._path}: the rejects cannot be written there") from None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _listed(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def plain(cell: object) -> JsonValue:
    """Give a cell as JSON has it; a time without a zone is one of UTC, as warehouses write them."""
    match cell:
        case datetime():
            return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).isoformat()
        case date():
            return cell.isoformat()
        case Decimal():
            return str(cell)
        case dict():
            return {str(name): plain(value) for name, value in cell.items()}
        case list():
            return [plain(value) for value in cell]
        case _:
            return cell  # type: ignore[return-value] # what has no form in JSON is a fault of its field
