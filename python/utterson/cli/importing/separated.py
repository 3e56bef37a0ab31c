"""CSV as a source: by Python's own reader, but a row that is none takes no other row with it."""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from utterson.cli.importing.packing import OpenFile
from utterson.cli.importing.records import LineError, RawRow
from utterson.cli.importing.strict_json import NOT_UTF_8

# The line at which a row begins, its cells or its text, and the row by column; None, and why, where it is none.
Row = tuple[int, Sequence[object] | RawRow, Mapping[str, object] | None, LineError | None]

_DELIMITERS: Final = ",;\t|"
# No trait may be that long; and so much is looked through for the end of a quote.
ROW_CHARACTERS_MAX: Final = 1 << 20
CELLS: Final = "has another number of cells than the header"
HEADER_TWICE: Final = "names a column twice"
UNREADABLE: Final = "is not CSV: a quote is not closed, or stands within a cell"
TOO_LONG: Final = f"has a cell of more than {ROW_CHARACTERS_MAX >> 20} MiB"


@dataclass(slots=True)
class _Lines:
    """Gives lines as texts, and takes them back: those behind one whose quote swallowed them.

    Args:
        source: the lines.
        number: of how many the next row stands behind.
        of_row: the lines of the row that is being read.
        bad: the columns at which lines are not UTF-8, by their numbers.
    """

    source: Iterator[bytes]
    number: int = 0
    of_row: list[str] = field(default_factory=list)
    bad: dict[int, int] = field(default_factory=dict)
    _back: deque[str] = field(default_factory=deque)

    def __iter__(self) -> Iterator[str]:
        length = 0
        while not self.of_row or length <= ROW_CHARACTERS_MAX:
            line = self._back.popleft() if self._back else self._next()
            if line is None:
                return
            self.of_row.append(line)
            length += len(line)
            yield line

    def _next(self) -> str | None:
        line = next(self.source, None)
        if line is None:
            return None
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            self.bad[self.number + len(self.of_row) + 1] = len(line[: error.start].decode()) + 1
            return line.decode(errors="replace")

    def begin(self, lines_done: int) -> None:
        """Go on behind some lines of the row; the others are read again."""
        self.number += lines_done
        self._back.extendleft(reversed(self.of_row[lines_done:]))
        self.of_row.clear()


def csv_rows(file: OpenFile, header_seen: Callable[[Sequence[str]], None]) -> Iterator[Row]:
    """Read a table with a header; its delimiter is the one that the header has most of.

    A quote that is not closed would take all rows behind it: reading goes on at the line behind the one it begins at.

    Args:
        file: where its lines are.
        header_seen: is told the columns; may raise LineError, which is the header's.
    """
    csv.field_size_limit(ROW_CHARACTERS_MAX)
    lines = _Lines(file.lines)
    head = next(iter(lines), "")
    delimiter = max(_DELIMITERS, key=head.count)
    lines.begin(0)
    columns, fault = _row(lines, delimiter)
    if fault is not None:
        raise LineError(fault)
    if len(set(columns)) != len(columns):
        raise LineError(HEADER_TWICE)
    lines.begin(len(lines.of_row))
    header_seen(columns)
    while True:
        cells, fault = _row(lines, delimiter)
        if not lines.of_row:
            return
        first = lines.number + 1
        if fault is None and cells and len(cells) != len(columns):
            fault = CELLS
        # The row is the first line alone where it cannot be told how far it goes.
        count = len(lines.of_row) if fault is None else 1
        text = lines.of_row[0]
        lines.begin(count)
        wrong = next((number for number in range(first, first + count) if number in lines.bad), None)
        if wrong is not None:
            yield first, cells if fault is None else _raw(text), None, LineError(NOT_UTF_8, column=lines.bad.pop(wrong))
        elif fault is not None:
            yield first, _raw(text), None, LineError(fault)
        elif cells:
            yield first, cells, dict(zip(columns, cells, strict=True)), None


def _row(lines: _Lines, delimiter: str) -> tuple[list[str], str | None]:
    """Read one row; or tell why it is none."""
    try:
        return next(csv.reader(iter(lines), delimiter=delimiter, strict=True), []), None
    except csv.Error as error:
        return [], TOO_LONG if "field limit" in str(error) and len(lines.of_row) == 1 else UNREADABLE


def _raw(text: str) -> RawRow:
    return RawRow(text.rstrip("\r\n"))


def csv_line(cells: Sequence[object]) -> str:
    """Write a row as a line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
