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
    """One identifier as stored.

    `added_seq` is the number of the entry that put it onto the profile, None where an older build did; `size_bytes` is
    what it takes in an answer at the most, `found` how many there are of those that were asked for.
    """

    digest: bytes
    holder: int
    type: str
    raw_value: str
    normalized_value: str
    added_us: int
    seen_day: int
    added_seq: int | None
    size_bytes: int
    found: int


@dataclass(frozen=True, slots=True)
class TraitRow:
    """The newest value of one trait over all members of one profile, unless it was removed.

    `size_bytes` is what it takes in an answer at the most, `total` how many the profile has.
    """

    serial: int
    name: str
    value: bytes
    size_bytes: int
    total: int


@dataclass(frozen=True, slots=True)
class TraitPageRow:
    """One trait with its time and the entry that wrote it; None = removed."""

    name: str
    value: bytes | None
    time_us: int
    seq: int
    entry_id: bytes


@dataclass(frozen=True, slots=True)
class ProfileRows:
    """The rows behind some profiles, all from one snapshot.

    Of each profile the first identifiers and the newest traits, as many as are told of it; and no more of all together
    than an answer may hold, in the order of the profiles.
    """

    create_time_us: dict[int, int]
    identifiers: dict[tuple[bytes, int], IdentifierRow]
    traits: dict[int, list[TraitRow]]
    # Whether identifiers were left out because those before them are too many for an answer.
    is_cut: bool


@dataclass(frozen=True, slots=True)
class IdentifierPosition:
    """The place of an identifier in a profile's list: by priority of its type, then by time added, then by digest."""

    type: str
    added_us: int
    digest: bytes


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
