"""The file of what was not taken over: as it was given, with a reason beside it."""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from json.decoder import scanstring  # type: ignore[attr-defined] # no stub has it
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from utterson.cli.importing.columns import OF_REJECTS
from utterson.cli.importing.outputs import OutputFile
from utterson.cli.importing.records import Finding, RawRow, Record
from utterson.cli.importing.separated import csv_line
from utterson.cli.importing.tables import ParquetRejects, plain

REASON, RAW = OF_REJECTS
_BLANK: Final = re.compile(r"[ \t\r\n]*")


class RejectsFile:
    """Writes records with a reason: lines of JSON as lines of JSON, rows of tables as rows of all their columns.

    A line that is no JSON object becomes one of `source`, its text, and `reason`; a row that has not the cells of its
    header becomes one of `rejected_row` and `reason` alone. Where there are lines and rows, rows become lines too. Rows
    of Parquet are written as CSV, but as Parquet into a file of that ending. A reason that was there is replaced.

    Args:
        path: the file to write; None writes nothing.
        tables: the tables in Parquet, each by the name that records have of it.
    """

    def __init__(self, path: Path | None, tables: Mapping[str, Path] | None = None) -> None:
        self.is_asked = path is not None
        self._file = None if path is None else OutputFile(path)
        self._table = (
            ParquetRejects(self._file.part, tables)
            if self._file is not None and path is not None and path.suffix == ".parquet" and tables
            else None
        )
        # The columns of all tables are known only at the end: rows wait there until then.
        self._waiting: IO[str] | None = None
        self._columns: dict[str, None] = {}
        self._has_lines = False
        self._last: tuple[str, int] | None = None
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        with self._file as file:
            if self._table is not None:
                self._table.write()
            elif self._waiting is not None:
                self._write(file.text, self._waiting)

    def add(self, record: Record, findings: Sequence[Finding]) -> None:
        """Write a record; of a line that became several calls only once."""
        place = (record.file, record.line)
        if place == self._last:
            return
        self._last = place
        self.count += 1
        # What cannot be read any more has nothing to write.
        if not record.source or self._file is None:
            return
        reason = "; ".join(f"doubt: {record.told(one)}" if one.is_doubt else record.told(one) for one in findings)
        if self._table is not None:
            self._table.add(record, reason)
            return
        if self._waiting is None:
            self._waiting = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass")  # noqa: SIM115 - closed at the exit
        if isinstance(record.source, bytes):
            self._has_lines = True
            self._waiting.write(json.dumps(_json_line(record.source, reason)) + "\n")
            return
        if isinstance(record.source, RawRow):
            row = dict.fromkeys(record.columns) | {RAW: record.source.text}
        else:
            row = dict(zip(record.columns, map(_cell, record.source), strict=True))
        self._columns |= dict.fromkeys(row)
        self._waiting.write(json.dumps(row | {REASON: reason}, default=str) + "\n")

    def _write(self, file: IO[str], waiting: IO[str]) -> None:
        columns = [*(name for name in self._columns if name != REASON), REASON]
        with waiting:
            if not self._has_lines:
                file.write(csv_line(columns))
            waiting.seek(0)
            for line in waiting:
                row = json.loads(line)
                if isinstance(row, str):
                    file.write(row)
                elif self._has_lines:
                    told = {name: cell for name, cell in row.items() if cell is not None}
                    file.write(json.dumps(told, ensure_ascii=False) + "\n")
                else:
                    file.write(csv_line([row.get(name) for name in columns]))


def _cell(cell: object) -> object:
    value = plain(cell)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else value


def _json_line(source: bytes, reason: str) -> str:
    told = json.dumps(reason, ensure_ascii=False)
    text = source.decode(errors="replace").strip()
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        return f'{{"source": {json.dumps(text, ensure_ascii=False)}, "{REASON}": {told}}}\n'
    # The text itself: what a reader of JSON would round or drop stays as it was.
    kept = [pair for name, pair in _pairs(text) if name != REASON]
    return "{" + ", ".join([*kept, f'"{REASON}": {told}']) + "}\n"


def _pairs(text: str) -> list[tuple[str, str]]:
    """Cut an object into its pairs, each with its name and as it is written."""
    decoder = json.JSONDecoder()
    pairs = []
    place = _behind_blank(text, 1)
    while text[place] == '"':
        name, colon = scanstring(text, place + 1)
        _, end = decoder.raw_decode(text, _behind_blank(text, _behind_blank(text, colon) + 1))
        pairs.append((name, text[place:end]))
        place = _behind_blank(text, end)
        if text[place] == ",":
            place = _behind_blank(text, place + 1)
    return pairs


def _behind_blank(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return place if found is None else found.end()
