"""Reading profiles, their events and their history."""

from collections.abc import Callable, Sequence

from utterson.domain.chain import Head, WorkspaceKeys
from utterson.domain.records import (
    ANSWER_BYTES_MAX,
    IDENTIFIER_BYTES_MAX,
    PROFILES_BYTES_MAX,
    TRAIT_BYTES_MAX,
)
from utterson.domain.rows import (
    EventPosition,
    EventRow,
    HistoryPosition,
    HistoryRow,
    IdentifierRow,
    ProfileQuery,
    ProfileRows,
    TraitPageRow,
    TraitRow,
)
from utterson.scheduling import in_slices
from utterson.store.pool import Connection, ConnectionPool
from utterson.store.statements import Statement


class ProfileStore:
    """The readers behind ProfileService."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def read(
        self, keys: WorkspaceKeys, plan: Callable[[Head], Sequence[ProfileQuery] | None]
    ) -> tuple[Head, ProfileRows | None]:
        """Read rows of profiles in one snapshot together with the log's head.

        Args:
            keys: the workspace; where it is gone, or is another one, `plan` is called with a head that is nobody's.
            plan: called with the snapshot's head; answers what to read if the index stands at that very head,
                else None, and then no rows are read.

        Raises:
            StoreFailureError: the database cannot be read.
        """

        async def send(connection: Connection) -> tuple[Head, ProfileRows | None]:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                row = await connection.fetchrow(Statement.HEADS.text, [keys.workspace_key], [keys.identity])
                head = Head(-1, b"") if row is None else Head(row["seq"], row["id"])
                queries = plan(head)
                return head, None if queries is None else await _read_rows(connection, keys.workspace_key, queries)

        return await self._pool.run(send)

    async def events_page(
        self, keys: WorkspaceKeys, members: list[int], before: EventPosition, limit: int
    ) -> list[EventRow]:
        """List the events of some members, newest first, before a position: fewer where they are large, but two."""
        rows = await self._pool.run(
            lambda connection: connection.fetch(
                Statement.EVENTS_PAGE.text,
                keys.workspace_key,
                members,
                before.time_us,
                before.seq,
                before.position,
                limit,
                ANSWER_BYTES_MAX,
                keys.identity,
            )
        )
        return [EventRow(EventPosition(row["time_us"], row["seq"], row["position"]), row["record"]) for row in rows]

    async def history_page(
        self, keys: WorkspaceKeys, members: list[int], before: HistoryPosition, limit: int
    ) -> list[HistoryRow]:
        """List the decisions that touched some members, newest first, before a position: as `events_page`."""
        rows = await self._pool.run(
            lambda connection: connection.fetch(
                Statement.HISTORY_PAGE.text,
                keys.workspace_key,
                members,
                before.seq,
                before.position,
                limit,
                ANSWER_BYTES_MAX,
                keys.identity,
            )
        )
        return [HistoryRow(HistoryPosition(row["seq"], row["position"]), row["record"]) for row in rows]

    async def traits_page(
        self, keys: WorkspaceKeys, members: list[int], after: str | None, limit: int
    ) -> list[TraitPageRow]:
        """List the traits of some members by name, after one, or from the first: as `events_page`."""
        rows = await self._pool.run(
            lambda connection: connection.fetch(
                Statement.TRAITS_PAGE.text,
                keys.workspace_key,
                members,
                after or "",
                after is None,
                limit,
                ANSWER_BYTES_MAX,
                keys.identity,
            )
        )
        return [TraitPageRow(row["name"], row["value"], row["time_us"], row["seq"], row["id"]) for row in rows]

    async def entry_ids(self, keys: WorkspaceKeys, seqs: Sequence[int]) -> dict[int, bytes]:
        """Tell the ids of entries of the log by their numbers."""
        rows = await self._pool.run(
            lambda connection: connection.fetch(Statement.ENTRY_IDS.text, keys.workspace_key, seqs, keys.genesis_id)
        )
        return {row["seq"]: row["id"] for row in rows}

    async def raw_values(
        self, keys: WorkspaceKeys, identifiers: Sequence[tuple[bytes, int]]
    ) -> list[tuple[bytes, int, str]]:
        """Tell the values as sent of some identifiers, each a digest and its holder; who is gone is not told."""
        digests, holders = [digest for digest, _ in identifiers], [holder for _, holder in identifiers]
        rows = await self._pool.run(
            lambda connection: connection.fetch(Statement.RAW_VALUES.text, keys.workspace_key, digests, holders)
        )
        return [(row["digest"], row["profile"], row["raw_value"]) for row in rows]


async def _read_rows(connection: Connection, workspace_key: int, queries: Sequence[ProfileQuery]) -> ProfileRows:
    places = range(len(queries))
    digests = [digest for query in queries for digest in query.digests]
    holders = [holder for query in queries for holder in query.holders]
    holds = [place for place in places for _ in queries[place].digests]
    owners = [place for place in places for _ in queries[place].members]
    members = [member for query in queries for member in query.members]
    profile_rows = await connection.fetch(Statement.PROFILE_ROWS.text, workspace_key, owners, members)
    identifier_rows = await connection.fetch(
        Statement.IDENTIFIER_ROWS.text,
        workspace_key,
        digests,
        holders,
        holds,
        IDENTIFIER_BYTES_MAX,
        PROFILES_BYTES_MAX,
    )
    trait_rows = await connection.fetch(
        Statement.TRAIT_ROWS.text, workspace_key, owners, members, TRAIT_BYTES_MAX, PROFILES_BYTES_MAX
    )
    traits: dict[int, list[TraitRow]] = {}
    async for row in in_slices(trait_rows):
        serial = queries[row["owner"]].serial
        trait = TraitRow(serial, row["name"], row["value"], row["size_bytes"], row["total"])
        traits.setdefault(serial, []).append(trait)
    identifiers = {}
    async for row in in_slices(identifier_rows):
        identifiers[row["digest"], row["profile"]] = IdentifierRow(
            row["digest"],
            row["profile"],
            row["type"],
            row["raw_value"],
            row["normalized_value"],
            row["added_us"],
            row["seen_day"],
            row["added_seq"],
            row["size_bytes"],
            row["found"],
        )
    create_time_us = {queries[row["owner"]].serial: row["create_time_us"] for row in profile_rows}
    is_cut = sum(row.size_bytes for row in identifiers.values()) >= PROFILES_BYTES_MAX
    return ProfileRows(create_time_us, identifiers, traits, is_cut)
