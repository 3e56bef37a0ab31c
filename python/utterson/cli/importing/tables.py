"""Tables as sources: CSV by Python's own reader, Parquet by DuckDB."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from utterson.cli.importing.packing import OpenFile
from utterson.cli.importing.records import ImportFileError, LineError, Record
from utterson.cli.importing.strict_json import NOT_UTF_8
from utterson.client.values import JsonValue

# The line at which a row begins, its cells, and the row by column; None, and why, where it is none.
Row = tuple[int, Sequence[object], Mapping[str, object] | None, LineError | None]

_DELIMITERS: Final = ",;\t|"
CELLS: Final = "has another number of cells than the header"
HEADER_TWICE: Final = "names a column twice"
UNREADABLE: Final = "is not CSV: a quote is not closed, or stands within a cell"
_ROWS_AT_ONCE: Final = 1000


def csv_rows(file: OpenFile, header_seen: Callable[[Sequence[str]], None]) -> Iterator[Row]:
    """Read a table with a header; its delimiter is the one that the header has most of.

    Args:
        file: where its lines are.
        header_seen: is told the columns; may raise LineError, which is the header's.
    """
    bad: dict[int, int] = {}

    def texts() -> Iterator[str]:
        for number, line in enumerate(file.lines, 1):
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                bad[number] = len(line[: error.start].decode()) + 1
                yield line.decode(errors="replace")

    source = texts()
    head = next(source, "")
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(_behind(head, source), delimiter=delimiter, strict=True)
    try:
        columns = next(reader, [])
    except csv.Error:
        raise LineError(UNREADABLE) from None
    if len(set(columns)) != len(columns):
        raise LineError(HEADER_TWICE)
    header_seen(columns)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, (), None, LineError(UNREADABLE)
            continue
        if not cells:
            continue
        wrong = next((number for number in range(line, reader.line_num + 1) if number in bad), None)
        if wrong is not None:
            yield line, cells, None, LineError(NOT_UTF_8, column=bad.pop(wrong))
        elif len(cells) != len(columns):
            yield line, cells, None, LineError(CELLS)
        else:
            yield line, cells, dict(zip(columns, cells, strict=True)), None


def _behind(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def csv_line(cells: Sequence[object]) -> str:
    """Write a row as a line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


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
            SELECT t.* EXCLUDE (filename, file_row_number), rejects.reason
            FROM read_parquet($files, filename = true, file_row_number = true, union_by_name = true) AS t
            JOIN rejects ON t.filename = rejects.file AND t.file_row_number + 1 = rejects.line
            ORDER BY rejects.file, rejects.line
        """
        try:
            self._connection.execute(f"CREATE VIEW chosen AS {query.replace('$files', _listed(files))}")
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
