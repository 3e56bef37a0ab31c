"""A table twin: what Postgres would hold, kept in dicts, taking a plan's columns exactly as `commit_batch` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.store.array_format import decode_columns
from utterson import _core

US_OF_DAY = 86_400_000_000


class ProfileRow(NamedTuple):
    """A row of `profiles`, its serial apart."""

    create_time_us: int
    source: int
    imported_merges: int
    merged_into: int


class IdentifierRow(NamedTuple):
    """A row of `identifiers`, profile and digest apart. Slot is 0 where it is exclusive, else the profile again."""

    slot: int
    type: str
    normalized_value: str
    raw_value: str
    added_us: int
    seen_day: int
    added_seq: int


class TraitRow(NamedTuple):
    """A row of `traits`, profile and name apart."""

    value: bytes | None
    time_us: int
    seq: int
    position: int


class RequestRow(NamedTuple):
    """A row of `requests`, its digest apart."""

    fingerprint: bytes
    seq: int
    position: int
    commit_time_us: int
    answer: bytes


class LogRow(NamedTuple):
    """A row of `log` with its payload."""

    seq: int
    id: bytes
    prev: bytes
    policy_revision: int
    commit_time_us: int
    state_hash: bytes
    payload: bytes


class TwinError(AssertionError):
    """The plan does not fit the tables: Postgres would have refused it."""


class Tables:
    """One workspace's rows by their keys."""

    def __init__(self, genesis: LogRow, policy: bytes) -> None:
        self.log = [genesis]
        self.policies: dict[int, bytes] = {1: policy}
        self.profiles: dict[int, ProfileRow] = {}
        self.identifiers: dict[tuple[int, bytes], IdentifierRow] = {}
        self._owned: set[bytes] = set()
        self.traits: dict[tuple[int, str], TraitRow] = {}
        self.events: dict[tuple[int, int, int, int], bytes] = {}
        self.history: dict[tuple[int, int, int], bytes] = {}
        self.requests: dict[bytes, RequestRow] = {}

    @property
    def head(self) -> LogRow:
        """The last entry."""
        return self.log[-1]

    def commit(self, plan: _core.Plan) -> LogRow:
        """Take in a plan that writes."""
        entry = plan.entry
        row = LogRow(
            entry.seq,
            entry.id,
            entry.prev,
            entry.policy_revision,
            entry.commit_time_us,
            entry.state_hash,
            entry.payload,
        )
        expect(row.seq == self.head.seq + 1 and row.prev == self.head.id, "the entry does not follow the head")
        expect(row.commit_time_us >= self.head.commit_time_us, "time runs backwards")
        return self.append(row, plan.columns())

    def append(self, row: LogRow, encoded: Sequence[bytes]) -> LogRow:
        """Take in an entry and its columns, as `commit_batch` gets them, whether it follows or not."""
        columns = decode_columns(encoded)
        self.log.append(row)
        self._profiles(columns[0:6])
        self._identifiers(columns[6:21], row)
        self._traits(columns[21:26], row)
        self._events(columns[26:30], row)
        self._history(columns[30:33], row)
        self._requests(columns[33:37], row)
        for revision, policy in rows(columns[37:39]):
            insert(self.policies, revision, policy, "policies")
        expect(row.policy_revision in self.policies, "the entry's policy is not stored")
        return row

    def forget(self) -> None:
        """Delete requests as the maintenance does: those older than 24 hours."""
        oldest_us = self.head.commit_time_us - US_OF_DAY
        self.requests = {digest: row for digest, row in self.requests.items() if row.commit_time_us >= oldest_us}

    def members(self) -> dict[int, list[int]]:
        """Tell for each live profile all serials that read as it, its own included."""
        members: dict[int, list[int]] = {}
        for serial in self.profiles:
            survivor = serial
            while self.profiles[survivor].merged_into:
                survivor = self.profiles[survivor].merged_into
            members.setdefault(survivor, []).append(serial)
        return members

    def merges(self, members: list[int]) -> int:
        """Tell how many merges a profile with these members has behind it."""
        return sum(self.profiles[member].imported_merges for member in members) + len(members) - 1

    def _profiles(self, columns: list[list[Any]]) -> None:
        for serial, create_time_us, source, merges in rows(columns[0:4]):
            insert(self.profiles, serial, ProfileRow(create_time_us, source, merges, 0), "profiles")
        for loser, survivor in rows(columns[4:6]):
            expect(self.profiles[loser].merged_into == 0, "a loser was merged away before")
            expect(survivor in self.profiles, "the survivor does not exist")
            self.profiles[loser] = self.profiles[loser]._replace(merged_into=survivor)
        unique(columns[4], "losers")

    def _identifiers(self, columns: list[list[Any]], entry: LogRow) -> None:
        for profile, digest, slot in rows(columns[0:3]):
            expect(self._slot(profile, digest) == slot, "a detached identifier is not there")
            if self.identifiers.pop((profile, digest)).slot == 0:
                self._owned.remove(digest)
        for profile, digest, *fields in rows(columns[3:11]):
            row = IdentifierRow._make((*fields, entry.seq))
            expect(row.slot in (0, profile), "the slot is another profile's")
            expect(profile in self.profiles, "an identifier of no profile")
            expect("\0" not in row.type + row.normalized_value + row.raw_value, "Postgres takes no U+0000")
            insert(self.identifiers, (profile, digest), row, "identifiers")
            if row.slot == 0:
                # No key of the table says so: the core must not do it.
                expect(digest not in self._owned, "an identifier has two owners")
                self._owned.add(digest)
        for profile, digest, slot, day in rows(columns[11:15]):
            expect(self._slot(profile, digest) == slot, "a seen identifier is not there")
            self.identifiers[profile, digest] = self.identifiers[profile, digest]._replace(seen_day=day)
        unique(list(zip(*columns[11:13], strict=True)), "seen")

    def _slot(self, profile: int, digest: bytes) -> int | None:
        row = self.identifiers.get((profile, digest))
        return None if row is None else row.slot

    def _traits(self, columns: list[list[Any]], row: LogRow) -> None:
        for profile, name, value, time_us, position in rows(columns):
            expect(profile in self.profiles and "\0" not in name, "traits")
            self.traits[profile, name] = TraitRow(value, time_us, row.seq, position)
        unique(list(zip(*columns[0:2], strict=True)), "traits")

    def _events(self, columns: list[list[Any]], row: LogRow) -> None:
        for profile, time_us, position, record in rows(columns):
            expect(profile == 0 or profile in self.profiles, "an event of no profile")
            insert(self.events, (profile, time_us, row.seq, position), record, "events")

    def _history(self, columns: list[list[Any]], row: LogRow) -> None:
        for profile, position, record in rows(columns):
            expect(profile in self.profiles, "history of no profile")
            insert(self.history, (profile, row.seq, position), record, "history")

    def _requests(self, columns: list[list[Any]], row: LogRow) -> None:
        unique(columns[0], "requests")
        for digest, fingerprint, position, answer in rows(columns):
            old = self.requests.get(digest)
            is_free = old is None or old.commit_time_us < row.commit_time_us - US_OF_DAY
            expect(is_free, "a request id is used anew within 24 hours")
            self.requests[digest] = RequestRow(fingerprint, row.seq, position, row.commit_time_us, answer)


def completed(
    workspace: _core.State, plan: _core.Plan, groups: Sequence[_core.CallGroup], tables: Tables
) -> _core.Plan:
    """Give a plan the values of identifiers that it tells and only the tables have (rule I5)."""
    if not plan.unknown:
        return plan
    values = [(digest, serial, tables.identifiers[serial, digest].raw_value) for digest, serial in plan.unknown]
    return workspace.complete(plan, groups, values)


def rows(columns: Iterable[list[Any]]) -> Iterable[tuple[Any, ...]]:
    """Give the rows of columns; all must be of one length."""
    return zip(*columns, strict=True)


def unique(keys: list[Any], name: str) -> None:
    """Refuse a key that stands there twice: the row count would not match."""
    expect(len(keys) == len(set(keys)), f"{name}: a row is written twice")


def insert(table: dict[Any, Any], key: Any, row: Any, name: str) -> None:
    """Insert a row whose key must be new."""
    expect(key not in table, f"{name}: the key is taken")
    table[key] = row


def expect(is_so: bool, sentence: str) -> None:
    """Refuse what Postgres would refuse."""
    if not is_so:
        raise TwinError(sentence)
