"""Loading: everything from one snapshot, the head included."""

import asyncio
import struct
import threading

import asyncpg
import pytest

from tests.store.conftest import NOW_US, Chain, attached, created, requested
from tests.store.copy_format import decode_copy
from utterson.domain.chain import FormatUnknownError, SnapshotHead, StateDivergedError
from utterson.store.open_store import Store
from utterson.store.snapshot import GROUP_BYTES

DIGEST = bytes(range(16))
DAY_US = 86_400_000_000


class Collector:
    """A sink that keeps the chunks."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}

    def profiles(self, chunk: bytes) -> None:
        self._take("profiles", chunk)

    def identifiers(self, chunk: bytes) -> None:
        self._take("identifiers", chunk)

    def traits(self, chunk: bytes) -> None:
        self._take("traits", chunk)

    def requests(self, chunk: bytes) -> None:
        self._take("requests", chunk)

    def _take(self, table: str, chunk: bytes) -> None:
        self.taken[table] = self.taken.get(table, b"") + chunk

    def rows(self, table: str) -> list[list[bytes | None]]:
        """Decode binary COPY."""
        return decode_copy(self.taken[table])


async def load(store: Store, workspace: str) -> tuple[SnapshotHead, Collector]:
    loaded = await store.snapshots.load(workspace, lambda keys, head: Collector(), 30.0)
    assert loaded is not None
    return loaded


async def test_the_columns_are_those_of_the_loader(chain: Chain, store: Store) -> None:
    await chain.append(
        created(1, 2)
        | attached((DIGEST, 0, 1), (DIGEST[::-1], 2, 2))
        | requested(b"r" * 16)
        | {21: [1], 22: ["city"], 23: [None], 24: [5], 25: [3]}
    )
    head, sink = await load(store, chain.keys.workspace)
    assert (head.head, head.commit_time_us, head.policy_revision, head.policy) == (chain.head, NOW_US, 1, b"policy")
    number = struct.Struct(">q").pack
    small = struct.Struct(">i").pack
    assert sink.rows("profiles") == [
        [number(serial), number(NOW_US + serial), number(0), small(0), number(0)] for serial in (1, 2)
    ]
    assert sorted(sink.rows("identifiers"), key=lambda row: row[1] or b"") == [
        [DIGEST, number(1), b"email", number(NOW_US), small(20_833), b"\x01"],
        [DIGEST[::-1], number(2), b"email", number(NOW_US), small(20_833), b"\x00"],
    ]
    assert sink.rows("traits") == [[number(1), b"city", None, number(5), number(1), small(3)]]
    assert sink.rows("requests") == [[b"r" * 16, b"fingerprint", number(NOW_US), number(1)]]


async def test_request_ids_of_the_last_day_only(chain: Chain, store: Store) -> None:
    await chain.append(requested(b"a" * 16))
    await chain.append(requested(b"b" * 16), commit_time_us=NOW_US + 1)
    await chain.append(commit_time_us=NOW_US + DAY_US + 1)
    _, sink = await load(store, chain.keys.workspace)
    assert [row[0] for row in sink.rows("requests")] == [b"b" * 16]


async def test_a_commit_during_the_load_is_not_in_it(chain: Chain, store: Store, database_url: str) -> None:
    await chain.append(created(1))

    async def interfere() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute(
            "INSERT INTO identifiers VALUES ($1, gen_random_uuid(), 0, 1, 'email', 'n', 'r', 1, 1)", chain.key
        )
        await connection.close()

    class Interfering(Collector):
        """Has something committed while the first table is on its way."""

        def profiles(self, chunk: bytes) -> None:
            if "profiles" not in self.taken:
                thread = threading.Thread(target=asyncio.run, args=(interfere(),))
                thread.start()
                thread.join()
            super().profiles(chunk)

    loaded = await store.snapshots.load(chain.keys.workspace, lambda keys, head: Interfering(), 30.0)
    assert loaded is not None
    assert loaded[1].rows("identifiers") == []
    assert len((await load(store, chain.keys.workspace))[1].rows("identifiers")) == 1


async def test_a_later_format_is_not_loaded(chain: Chain, store: Store) -> None:
    entry = chain.entry()
    object.__setattr__(entry, "format_version", 2)
    await chain.send(entry)
    with pytest.raises(FormatUnknownError):
        await load(store, chain.keys.workspace)


async def test_a_workspace_without_a_log(store: Store) -> None:
    assert await store.snapshots.load("nowhere", lambda keys, head: Collector(), 30.0) is None


async def test_rows_in_many_groups_arrive_in_order(chain: Chain, store: Store) -> None:
    """The sink works on another thread, one group at a time, and never on the loop's."""
    count = 40_000
    await chain.append(created(*range(1, count + 1)))
    threads = set()

    class Ordered(Collector):
        """Notes where and in what sizes chunks come."""

        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        def profiles(self, chunk: bytes) -> None:
            threads.add(threading.get_ident())
            self.sizes.append(len(chunk))
            super().profiles(chunk)

    loaded = await store.snapshots.load(chain.keys.workspace, lambda keys, head: Ordered(), 30.0)
    assert loaded is not None
    serials = [struct.unpack(">q", row[0] or b"")[0] for row in loaded[1].rows("profiles")]
    assert serials == list(range(1, count + 1))
    assert all(size >= GROUP_BYTES for size in loaded[1].sizes[:-1])
    assert len(loaded[1].sizes) > 2
    assert threading.get_ident() not in threads


async def test_a_sink_that_fails_ends_the_load_with_its_error(chain: Chain, store: Store) -> None:
    await chain.append(created(*range(1, 40_001)))

    class Failing(Collector):
        """Takes nothing."""

        def profiles(self, chunk: bytes) -> None:
            raise StateDivergedError("the first group")

    with pytest.raises(StateDivergedError, match="the first group"):
        await store.snapshots.load(chain.keys.workspace, lambda keys, head: Failing(), 30.0)
    assert (await load(store, chain.keys.workspace))[0].head == chain.head


async def test_the_number_of_rows_is_guessed_from_the_statistics(chain: Chain, store: Store, database_url: str) -> None:
    digests = [bytes([place]) * 16 for place in range(20)]
    await chain.append(created(*range(1, 11)) | attached(*((digest, 0, 1) for digest in digests)))
    assert (await load(store, chain.keys.workspace))[0].rows_expected == 0
    connection = await asyncpg.connect(database_url)
    await connection.execute("ANALYZE profiles, identifiers, traits")
    await connection.close()
    assert (await load(store, chain.keys.workspace))[0].rows_expected == 30
