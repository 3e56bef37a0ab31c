"""Which columns of a table are what of a profile."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import yaml

from utterson.cli.importing.records import ImportFileError, LineError

# Cells that say nothing.
_NOTHING: Final = (None, "")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_.]{0,62}")
# What a file of rejects says besides: why, and the text of a row that has no cells.
OF_REJECTS: Final = ("reason", "rejected_row")
_OWN: Final = ("create_time", "merges")
_TRAITS: Final = "traits."
NO_NUMBER: Final = "must be a whole number"
HINT: Final = "say which columns are identifiers, such as --column email=E-Mail; all others become traits"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Which columns are what.

    Args:
        identifiers: type and column, in the order of the profile's identifiers.
        traits: name and column; None makes a trait of every column that is nothing else.
        create_time: the column of the time; None for none.
        merges: the column of the merges; None for none.
    """

    identifiers: Sequence[tuple[str, str]] = ()
    traits: Mapping[str, str] | None = None
    create_time: str | None = None
    merges: str | None = None
    _used: frozenset[str] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        named = [column for _, column in self.identifiers] + [self.create_time or "", self.merges or "", *OF_REJECTS]
        object.__setattr__(self, "_used", frozenset(named))

    @property
    def says_nothing(self) -> bool:
        """Whether no column is an identifier."""
        return not self.identifiers

    def require_columns(self, columns: Iterable[str]) -> None:
        """Look whether a table has the columns.

        Raises:
            LineError: it lacks one, or no column is an identifier.
        """
        there = list(columns)
        if self.says_nothing:
            raise LineError(f"{HINT}; its columns: {', '.join(there)}")
        wanted = self._used - {"", *OF_REJECTS} | set((self.traits or {}).values())
        missing = sorted(wanted - set(there))
        if missing:
            raise LineError(f"there is no column {', '.join(missing)}; its columns: {', '.join(there)}")

    def fields_of(self, row: Mapping[str, object]) -> dict[str, object]:
        """Make the JSON form of a profile of a row; empty cells are left out.

        Raises:
            LineError: a cell is not what its column should hold.
        """
        identifiers = [
            {"type": name, "value": _text(row.get(column))}
            for name, column in self.identifiers
            if row.get(column) not in _NOTHING
        ]
        columns = {name: name for name in row if name not in self._used} if self.traits is None else dict(self.traits)
        fields: dict[str, object] = {
            "identifiers": identifiers,
            "traits": {name: row.get(column) for name, column in columns.items() if row.get(column) not in _NOTHING},
        }
        if self.create_time is not None and row.get(self.create_time) not in _NOTHING:
            fields["create_time"] = row[self.create_time]
        if self.merges is not None and row.get(self.merges) not in _NOTHING:
            fields["merges"] = _count(row[self.merges])
        return fields


def _text(cell: object) -> object:
    """Whole numbers of a typed table are texts as identifiers; anything else is judged later."""
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) else cell


def _count(cell: object) -> object:
    try:
        return int(cell) if isinstance(cell, str) else cell
    except ValueError:
        raise LineError(NO_NUMBER, name="merges") from None


def column_map(path: Path | None, options: Sequence[str]) -> ColumnMap:
    """Read which columns are what: a file in YAML or JSON, and options beside it.

    Args:
        path: `identifiers` {type: column or list of them}, `traits` {name: column}, `create_time`, `merges`.
        options: `TYPE=COLUMN`, `NAME=COLUMN:TYPE`, `traits.NAME=COLUMN`, `create_time=COLUMN`, `merges=COLUMN`.

    Raises:
        ImportFileError: one of them is not of this form.
    """
    identifiers: list[tuple[str, str]] = []
    traits: dict[str, str] = {}
    own: dict[str, str] = {}
    named = _read(path) if path is not None else []
    for target, column in [*named, *map(_split, options)]:
        if target in _OWN:
            own[target] = column
        elif target.startswith(_TRAITS):
            traits[target.removeprefix(_TRAITS)] = column
        elif _TYPE.fullmatch(target):
            identifiers.append((target, column))
        else:
            raise ImportFileError(f"{target} is no identifier type: small letters, digits, _ and . only")
    return ColumnMap(identifiers, traits or None, own.get("create_time"), own.get("merges"))


def _split(option: str) -> tuple[str, str]:
    target, sign, column = option.partition("=")
    if not sign or not target or not column:
        raise ImportFileError(f"--column {option}: write TYPE=COLUMN, such as email=E-Mail")
    column, colon, kind = column.rpartition(":") if ":" in column else (column, "", "")
    if colon and not _TYPE.fullmatch(kind):
        column, kind = f"{column}:{kind}", ""
    return kind or target, column


def _read(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        source = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ImportFileError(f"{path}: {error.strerror}") from None
    except (ValueError, yaml.YAMLError, RecursionError):
        raise ImportFileError(f"{path}: is neither YAML nor JSON") from None
    try:
        named = [(name, one) for name, columns in source.pop("identifiers", {}).items() for one in _several(columns)]
        named += [(f"{_TRAITS}{name}", column) for name, column in (source.pop("traits", None) or {}).items()]
        named += [(name, source.pop(name)) for name in _OWN if name in source]
    except (AttributeError, TypeError):
        named = []
    if not named or source or not all(isinstance(part, str) for pair in named for part in pair):
        raise ImportFileError(
            f"{path}: write identifiers (type: column), traits (name: column), create_time and merges, each by column"
        )
    return cast("list[tuple[str, str]]", named)


def _several(columns: object) -> list[object]:
    return columns if isinstance(columns, list) else [columns]
