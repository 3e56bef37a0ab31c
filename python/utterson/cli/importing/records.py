"""What an import reads: one record a line or row, with what was found in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from utterson.v1 import identity_service_pb2, workspace_service_pb2

Profile: TypeAlias = workspace_service_pb2.ImportedProfile
# What becomes of a record: a profile to take over, or a call to send through the rules.
Content: TypeAlias = Profile | identity_service_pb2.Call


class ImportFileError(Exception):
    """What was given cannot be imported; the message names file, line and column where there is one."""


class LineError(Exception):
    """A line is no record.

    Args:
        description: what is wrong, without a value; the same for every line that has it.
        name: the field, where it is one.
        column: the character of the line at which it was met, from 1.
    """

    def __init__(self, description: str, *, name: str = "", column: int | None = None) -> None:
        super().__init__(description)
        self.finding = Finding(description, name, column)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found in a record.

    Args:
        description: what it is; the same for every record that has it, and never a value.
        name: the field that it is about, such as `identifiers[0].value`; empty for all of it.
        column: the character of the line, from 1.
        is_doubt: the record can be taken over all the same.
    """

    description: str
    name: str = ""
    column: int | None = None
    is_doubt: bool = False

    def told(self) -> str:
        """Tell it without its line: column, field and what it is."""
        place = "" if self.column is None else f"column {self.column}"
        named = ", ".join(part for part in (place, self.name) if part)
        return f"{named}: {self.description}" if named else self.description


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of CSV that has no cells, or not those of the header.

    Args:
        text: as it stands in the file.
    """

    text: str


@dataclass(slots=True)
class Record:
    """One line or row.

    Args:
        file: the file's name; empty where there is only one.
        line: the line at which it begins, from 1; of a table without lines the row.
        source: as it was read, for the file of rejects: a line, the cells of a row, or a row that has none.
        digested: what stands for its content in the request id.
        encoded: the profile that it becomes, as the API encodes it; empty where it becomes none.
        identifiers: how many identifiers that has.
        call: the call that it becomes instead.
        findings: faults, and doubts.
        columns: of a row, the columns of its table.
    """

    file: str
    line: int
    source: bytes | Sequence[object] | RawRow
    digested: bytes = b""
    encoded: bytes = b""
    identifiers: int = 0
    call: identity_service_pb2.Call | None = None
    findings: list[Finding] = field(default_factory=list)
    columns: Sequence[str] = ()

    def take(self, content: Content) -> None:
        """Become a profile or a call."""
        if isinstance(content, Profile):
            self.encoded = content.SerializeToString(deterministic=True)
            self.identifiers = len(content.identifiers)
        else:
            self.call = content
            self.identifiers = len((content.identify if content.HasField("identify") else content.track).identifiers)

    @property
    def is_sent(self) -> bool:
        """Whether it becomes anything."""
        return bool(self.encoded) or self.call is not None

    def profile(self) -> Profile:
        """Give the profile; empty where it becomes none."""
        return Profile.FromString(self.encoded)

    @property
    def is_faulty(self) -> bool:
        """Whether it cannot be taken over."""
        return any(not finding.is_doubt for finding in self.findings)

    def where(self) -> str:
        """Name its place."""
        return f"{self.file}, line {self.line}" if self.file else f"line {self.line}"

    def told(self, finding: Finding) -> str:
        """Tell one finding with its place."""
        told = finding.told()
        return f"{self.where()}, {told}" if finding.column is not None or finding.name else f"{self.where()}: {told}"
