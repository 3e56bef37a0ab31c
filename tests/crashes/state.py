"""Whether the database holds whole commits and nothing else: tables against the log, the log against itself."""

import itertools
from collections import Counter
from dataclasses import dataclass

import asyncpg

from utterson.domain.chain import (
    GENESIS_PREV,
    GENESIS_STATE_HASH,
    Head,
    LogRow,
    SnapshotHead,
    StoredWorkspace,
)
from utterson.engine.core_engine import REQUEST_RETENTION_US, CoreEngine
from utterson.engine.state import State
from utterson.internal.v1.log_pb2 import LogRecord
from utterson.settings.database import DatabaseSettings
from utterson.store.open_store import Store, open_store

ROWS = 1_000


@dataclass
class Stored:
    """What the database holds of one workspace, checked."""

    entry_ids: list[bytes]
    # By digest: the entry, and the place in it.
    requests: dict[bytes, tuple[int, int]]
    event_records: list[bytes]
    state: State

    def digest(self, request_id: str) -> bytes:
        """Give the digest under which a request id is kept."""
        return self.state._native.request_digest(request_id)


async def check_stored(database_url: str, workspace: str) -> Stored:
    """Read a workspace in every way there is; all ways must tell the same."""
    store = await open_store(database_url, DatabaseSettings(), REQUEST_RETENTION_US)
    connection = await asyncpg.connect(database_url)
    try:
        stored = await store.workspaces.get(workspace)
        assert stored is not None
        key = stored.keys.workspace_key
        log = await _read_log(store, stored)
        _check_chain(log)
        loaded = await _load(store, stored)
        replayed = await _replay(connection, stored, log)
        assert loaded.head == replayed.head == Head(log[-1].seq, log[-1].id)
        assert loaded.state_hash == replayed.state_hash == log[-1].state_hash
        assert loaded._native.check_invariants() == []
        assert replayed._native.check_invariants() == []
        await _check_rows(connection, key, log)
        requests = await connection.fetch(
            "SELECT uuid_send(digest) AS digest, seq, position FROM requests WHERE workspace_key = $1", key
        )
        events = await connection.fetch("SELECT record FROM events WHERE workspace_key = $1", key)
        return Stored(
            [row.id for row in log],
            {row["digest"]: (row["seq"], row["position"]) for row in requests},
            [row["record"] for row in events],
            loaded,
        )
    finally:
        await connection.close()
        await store.close()


async def _read_log(store: Store, stored: StoredWorkspace) -> list[LogRow]:
    log: list[LogRow] = []
    while rows := await store.log.tail(stored.keys, log[-1].seq if log else -1, ROWS):
        log += rows
    return log


def _check_chain(log: list[LogRow]) -> None:
    assert [row.seq for row in log] == list(range(len(log))), "the log has gaps"
    assert log[0].prev == GENESIS_PREV
    for row, following in itertools.pairwise(log):
        assert following.prev == row.id, f"entry {following.seq} does not follow its predecessor"
        assert following.commit_time_us > row.commit_time_us
        assert following.payload is not None


async def _load(store: Store, stored: StoredWorkspace) -> State:
    """Load from the tables, as a server does; the engine compares graph and traits with the head's state hash."""
    engine = CoreEngine()
    loaded = await store.snapshots.load(stored.keys.workspace, engine.loader, 60.0)
    assert loaded is not None
    return loaded[1].finish()


async def _replay(
    connection: "asyncpg.Connection[asyncpg.Record]", stored: StoredWorkspace, log: list[LogRow]
) -> State:
    """Begin with nothing, and take in every entry; the engine compares each state hash."""
    policy = await connection.fetchval(
        "SELECT policy FROM policies WHERE workspace_key = $1 AND policy_revision = 1", stored.keys.workspace_key
    )
    begin = SnapshotHead(Head(0, log[0].id), log[0].commit_time_us, GENESIS_STATE_HASH, 1, policy)
    state = CoreEngine().loader(stored.keys, begin).finish()
    for row in log[1:]:
        state.replay(row)
    return state


async def _check_rows(connection: "asyncpg.Connection[asyncpg.Record]", key: int, log: list[LogRow]) -> None:
    """Compare the rows that are only ever added with what the log says was added."""
    profiles: list[tuple[int, ...]] = []
    events: list[tuple[object, ...]] = []
    requests: list[tuple[object, ...]] = []
    for row in log[1:]:
        assert row.payload is not None
        for effect in LogRecord.FromString(row.payload).effects:
            match effect.WhichOneof("effect"):
                case "create_profile":
                    profiles.append((effect.create_profile.serial,))
                case "store_event":
                    event = effect.store_event
                    events.append((event.serial, event.time_us, row.seq, event.position, event.event))
                case "use_request":
                    request = effect.use_request
                    requests.append((request.digest, request.fingerprint, row.seq, request.position))
                case _:
                    pass
    for table, columns, told in (
        ("profiles", "serial", profiles),
        ("events", "profile, time_us, seq, position, record", events),
        ("requests", "uuid_send(digest), fingerprint, seq, position", requests),
    ):
        found = await connection.fetch(f"SELECT {columns} FROM {table} WHERE workspace_key = $1", key)
        assert Counter(tuple(row) for row in found) == Counter(told), f"{table} differ from the log"
    beyond = await connection.fetchval(
        "SELECT count(*) FROM history WHERE workspace_key = $1 AND seq > $2", key, log[-1].seq
    )
    assert beyond == 0, "history of an entry that the log does not have"
