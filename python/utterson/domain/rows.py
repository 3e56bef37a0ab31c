"""Rows that the store reads for profiles and their lists."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProfileQuery:
    """What to read of one profile: its member serials (itself and those merged into it), and its identifiers.

    `digests` and `holders` lie side by side: the identifier and the serial that got it.
    """

    serial: int
    members: list[int]
    digests: list[bytes]
    holders: list[int]


@dataclass(frozen=True, slots=True)
class IdentifierRow:
    """One identifier as stored."""

    digest: bytes
    holder: int
    type: str
    raw_value: str
    normalized_value: str
    added_us: int
    seen_day: int


@dataclass(frozen=True, slots=True)
class TraitRow:
    """The newest value of one trait over all members of one profile; None = removed.

    `newer_bytes` is what this and all newer traits of the profile take together, `total` how many it has.
    """

    serial: int
    name: str
    value: bytes | None
    newer_bytes: int
    total: int


@dataclass(frozen=True, slots=True)
class ProfileRows:
    """The rows behind some profiles, all from one snapshot."""

    create_time_us: dict[int, int]
    identifiers: dict[tuple[bytes, int], IdentifierRow]
    traits: dict[int, list[TraitRow]]


@dataclass(frozen=True, slots=True)
class EventPosition:
    """The place of an event in its list."""

    time_us: int
    seq: int
    position: int


@dataclass(frozen=True, slots=True)
class HistoryPosition:
    """The place of a decision in the history."""

    seq: int
    position: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """One stored event: an encoded `utterson.v1.StoredEvent`."""

    at: EventPosition
    record: bytes


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One recorded decision: an encoded `utterson.v1.HistoryEntry`."""

    at: HistoryPosition
    record: bytes
