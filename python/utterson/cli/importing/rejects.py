"""The file of what was not taken over: as it was given, with a reason beside it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from utterson.cli.importing.records import Finding, Record
from utterson.cli.importing.tables import ParquetRejects, csv_line, plain

REASON: Final = "reason"


class RejectsFile:
    """Writes records with a reason: lines of JSON as lines of JSON, rows of a table as rows.

    A line that is no JSON object becomes one of `source`, its text, and `reason`. Rows of Parquet are written as CSV,
    but as Parquet into a file of that ending.

    Args:
        path: the file to write; None writes nothing.
        header: tells the columns of a table, when its first row comes.
        tables: the tables in Parquet, each by the name that records have of it.
    """

    def __init__(
        self, path: Path | None, header: Callable[[], Sequence[str]], tables: Mapping[str, Path] | None = None
    ) -> None:
        self._table = (
            ParquetRejects(path, tables) if path is not None and path.suffix == ".parquet" and tables else None
        )
        is_text = path is not None and self._table is None
        self._file: IO[str] | None = path.open("w", encoding="utf-8", newline="") if path and is_text else None
        self._header = header
        self._last: tuple[str, int] | None = None
        self._told_header = False
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._table is not None and error is None:
            self._table.write()

    def add(self, record: Record, findings: Sequence[Finding]) -> None:
        """Write a record; of a line that became several calls only once."""
        place = (record.file, record.line)
        if place == self._last:
            return
        self._last = place
        self.count += 1
        # What cannot be read any more has nothing to write.
        if not record.source:
            return
        reason = "; ".join(f"doubt: {record.told(one)}" if one.is_doubt else record.told(one) for one in findings)
        if self._table is not None:
            self._table.add(record, reason)
        if self._file is None:
            return
        if isinstance(record.source, bytes):
            self._file.write(_json_line(record.source, reason))
            return
        if not self._told_header:
            self._told_header = True
            self._file.write(csv_line([*self._header(), REASON]))
        self._file.write(csv_line([*map(_cell, record.source), reason]))


def _cell(cell: object) -> object:
    value = plain(cell)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _json_line(source: bytes, reason: str) -> str:
    told = json.dumps(reason, ensure_ascii=False)
    text = source.decode(errors="replace").strip()
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        return f'{{"source": {json.dumps(text, ensure_ascii=False)}, "{REASON}": {told}}}\n'
    # Into the text itself: what a reader of JSON would round or drop stays as it was.
    comma = "" if text[1:-1].strip() == "" else ", "
    return f'{text[:-1].rstrip()}{comma}"{REASON}": {told}}}\n'
