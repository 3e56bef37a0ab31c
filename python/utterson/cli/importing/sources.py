"""What is imported: files, folders and patterns, in the order of their names, as one row of records."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from os.path import commonpath
from pathlib import Path
from typing import Final

from utterson.cli.importing.columns import ColumnMap
from utterson.cli.importing.finding import files_of
from utterson.cli.importing.forms import FileForm
from utterson.cli.importing.packing import opened, require_whole
from utterson.cli.importing.profiles import KEYS, profile_message
from utterson.cli.importing.records import Content, Finding, ImportFileError, LineError, Record
from utterson.cli.importing.separated import csv_rows
from utterson.cli.importing.strict_json import deepest_column, read_object
from utterson.cli.importing.tables import ParquetTable
from utterson.cli.importing.vendors import mparticle, profiles_sync, segment
from utterson.client.values import TOO_DEEP
from utterson.engine.judge import read_profile_lines

_PARQUET_MAGIC: Final = b"PAR1"
_LINES_AT_ONCE: Final = 1000

# Of these each line is something that happened, which goes through the rules.
EVENT_FORMS: Final = frozenset({FileForm.SEGMENT, FileForm.MPARTICLE})


class Source:
    """Everything that one import reads.

    Args:
        given: a file, a folder or a pattern.
        form: what the files hold; found out by their content where that is AUTO.
        columns: which columns of a table are what.

    Raises:
        ImportFileError: there is no file.
    """

    def __init__(self, given: str, form: FileForm = FileForm.AUTO, columns: ColumnMap | None = None) -> None:
        self._given = given
        found = files_of(given)
        self.paths = found.files
        self.skipped = found.skipped
        self.form = form
        self._columns = columns or ColumnMap()
        self._sizes = [path.stat().st_size for path in self.paths]
        self._before_bytes = 0
        self._position: Callable[[], int] = int
        self._file = 0

    def again(self) -> "Source":
        """Make a source of the same files, to be read from their beginning."""
        return Source(self._given, self.form, self._columns)

    @property
    def bytes_total(self) -> int:
        """How many bytes the files have on the disk."""
        return sum(self._sizes)

    @property
    def bytes_read(self) -> int:
        """How many of them were read."""
        return self._before_bytes + self._position()

    def name_of(self, path: Path) -> str:
        """Name a file as records do: by its place below what all have in common; empty for the only one."""
        if len(self.paths) == 1:
            return ""
        return str(path.relative_to(commonpath([one.parent for one in self.paths])))

    def form_of(self, path: Path) -> FileForm:
        """Tell what a file holds."""
        if self.form is not FileForm.AUTO:
            return self.form
        with path.open("rb") as file:
            if file.read(4) == _PARQUET_MAGIC or path.suffix == ".parquet":
                return FileForm.PARQUET
        names = path.name.lower().removesuffix(".gz").removesuffix(".zst")
        return FileForm.CSV if names.endswith((".csv", ".tsv")) else FileForm.NDJSON

    def parquet(self) -> dict[str, Path]:
        """Tell the tables in Parquet, each by the name that records have of it; none where a file is something else."""
        found = {self.name_of(path): path for path in self.paths if self.form_of(path) is FileForm.PARQUET}
        return found if len(found) == len(self.paths) else {}

    def require_whole(self) -> None:
        """Look through packed files before anything is taken of them; ImportFileError where one is damaged."""
        for path in self.paths:
            if self.form_of(path) is not FileForm.PARQUET:
                require_whole(path)

    def records(self) -> Iterator[Record]:
        """Read all files; what is wrong with a line, or with the rest of a file, is a record with a finding."""
        if self.form is FileForm.PROFILES_SYNC:
            yield from self._joined()
            return
        for path, size in zip(self.paths, self._sizes, strict=True):
            name = self.name_of(path)
            form = self.form_of(path)
            line = 0
            try:
                for record in self._of(form, path, name):
                    line = record.line
                    yield record
            except LineError as error:
                if form is FileForm.CSV and not line:
                    # Without its header nothing of a table can be read, so there is nothing to leave out either.
                    raise ImportFileError(_told_header(path, name, error)) from None
                yield Record(name, line + 1, b"", findings=[error.finding])
            self._position = int
            self._before_bytes += size

    def _of(self, form: FileForm, path: Path, name: str) -> Iterator[Record]:
        match form:
            case FileForm.CSV:
                return self._csv(path, name)
            case FileForm.PARQUET:
                return self._parquet(path, name)
            case FileForm.SEGMENT:
                return self._json(path, name, segment.calls_of)
            case FileForm.MPARTICLE:
                return self._json(path, name, mparticle.calls_of, large_as_text=True)
            case FileForm.NDJSON | FileForm.AUTO:
                return (
                    self._profiles(path, name) if self._columns.says_nothing else self._json(path, name, self._profile)
                )
            case FileForm.PROFILES_SYNC:
                raise ImportFileError("the tables of Profiles Sync are read together")

    def _profile(self, fields: Mapping[str, object]) -> list[Content]:
        return [profile_message(fields if self._columns.says_nothing else self._columns.fields_of(fields))]

    def _profiles(self, path: Path, name: str) -> Iterator[Record]:
        """Read lines that are profiles: those beyond doubt at once, by the engine, all others one by one."""
        with opened(path) as file:
            self._position = file.position
            for first, lines in _several(file.lines):
                quick = read_profile_lines(lines)
                for number, (line, read) in enumerate(zip(lines, quick, strict=True), first):
                    stripped = line.strip()
                    if read is not None:
                        encoded, identifiers = read
                        yield Record(name, number, stripped, stripped, encoded, identifiers)
                    elif stripped:
                        yield from self._line(name, number, line, self._profile, large_as_text=False)

    def _json(
        self,
        path: Path,
        name: str,
        contents: Callable[[Mapping[str, object]], list[Content]],
        *,
        large_as_text: bool = False,
    ) -> Iterator[Record]:
        with opened(path) as file:
            self._position = file.position
            for number, line in enumerate(file.lines, 1):
                if line.strip():
                    yield from self._line(name, number, line, contents, large_as_text=large_as_text)

    def _line(
        self,
        name: str,
        number: int,
        line: bytes,
        contents: Callable[[Mapping[str, object]], list[Content]],
        *,
        large_as_text: bool,
    ) -> Iterator[Record]:
        """Read one line with care."""
        stripped = line.strip()
        record = Record(name, number, stripped)
        try:
            made = contents(read_object(line, large_as_text=large_as_text))
        except LineError as error:
            finding = error.finding
            if finding.description == TOO_DEEP and finding.column is None:
                finding = replace(finding, column=deepest_column(line.decode()))
            record.findings.append(finding)
            yield record
            return
        except segment.LeftOut as left_out:
            record.findings.append(Finding(str(left_out), is_doubt=True))
            yield record
            return
        for content in made:
            record = Record(name, number, stripped)
            record.take(content)
            is_own_form = record.encoded and self._columns.says_nothing
            record.digested = stripped if is_own_form else content.SerializeToString(deterministic=True)
            yield record

    def _csv(self, path: Path, name: str) -> Iterator[Record]:
        header: list[str] = []

        def header_seen(columns: Sequence[str]) -> None:
            header.extend(columns)
            self._columns.require_columns(header)

        with opened(path) as file:
            self._position = file.position
            for line, cells, row, fault in csv_rows(file, header_seen):
                record = Record(name, line, cells, columns=header)
                if fault is not None or row is None:
                    record.findings.append(fault.finding if fault is not None else Finding("is no row"))
                else:
                    _fill(record, self._columns.fields_of, row)
                yield record

    def _parquet(self, path: Path, name: str) -> Iterator[Record]:
        table = ParquetTable(path)
        is_own = self._columns.says_nothing and "identifiers" in table.columns
        if not is_own:
            self._columns.require_columns(table.columns)
        size = path.stat().st_size
        self._position = lambda: size * table.rows_read // max(table.rows_total, 1)
        for number, cells, row, fault in table.rows():
            record = Record(name, number, cells, columns=table.columns)
            if fault is not None or row is None:
                record.findings.append(fault.finding if fault is not None else Finding("is no row"))
            else:
                _fill(record, _own_form if is_own else self._columns.fields_of, row)
            yield record

    def _joined(self) -> Iterator[Record]:
        with tempfile.TemporaryDirectory() as folder:
            for number, fields in enumerate(profiles_sync.profiles_of(list(self.paths), Path(folder)), 1):
                record = Record("", number, b"")
                _fill(record, dict, fields)
                yield record
        self._before_bytes = self.bytes_total


def _own_form(row: Mapping[str, object]) -> Mapping[str, object]:
    """Take a row whose columns are those of a profile; what is null there is absent."""
    fields = {name: value for name, value in row.items() if value is not None and name in KEYS}
    traits = fields.get("traits")
    if isinstance(traits, dict):
        fields["traits"] = {name: value for name, value in traits.items() if value is not None}
    return fields


def _fill(
    record: Record, fields_of: Callable[[Mapping[str, object]], Mapping[str, object]], row: Mapping[str, object]
) -> None:
    try:
        record.take(profile_message(fields_of(row)))
    except LineError as error:
        record.findings.append(error.finding)
        return
    record.digested = record.encoded


def _told_header(path: Path, name: str, error: LineError) -> str:
    told = Record(name, 1, b"").told(error.finding)
    return f"{told}. Nothing is taken over of {path.name}"


def _several(lines: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Give some lines at once, and the number of the first; what ends them is raised behind those before it."""
    first = 1
    while True:
        some: list[bytes] = []
        fault: LineError | None = None
        try:
            # Keeps what came before a fault.
            some.extend(islice(lines, _LINES_AT_ONCE))
        except LineError as error:
            fault = error
        if some:
            yield first, some
            first += len(some)
        if fault is not None:
            raise fault
        if len(some) < _LINES_AT_ONCE:
            return
