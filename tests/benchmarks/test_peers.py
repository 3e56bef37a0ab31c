"""The alternatives answer as the real server does, as far as they go."""

from collections.abc import AsyncIterator
from pathlib import Path
from struct import pack

import asyncpg
import grpc
import pytest
from benchmarks.harness.processes import Server, free_address, python_module
from benchmarks.peers import naive_database, one_commit, raw_commit
from benchmarks.peers.copy_rows import copy
from benchmarks.peers.disk import sync_write_us
from benchmarks.peers.echo_server import Echo
from benchmarks.peers.naive_direct import decode, drive
from benchmarks.peers.naive_server import NaiveServicer

from utterson.store.migrate import migrate
from utterson.v1.identifier_pb2 import Identifier
from utterson.v1.identity_service_pb2 import (
    BatchResolveResponse,
    IdentifyRequest,
    IdentifyResponse,
    StreamResolveRequest,
    StreamResolveResponse,
)
from utterson.v1.identity_service_pb2_grpc import IdentityServiceStub, add_IdentityServiceServicer_to_server
from utterson.v1.resolution_pb2 import Outcome
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest


def request(*pairs: tuple[str, str]) -> IdentifyRequest:
    return IdentifyRequest(workspace="w", identifiers=[Identifier(type=name, value=value) for name, value in pairs])


@pytest.fixture
async def naive_url(database_url: str, tmp_path: Path) -> str:
    """A naive peer with a population of two profiles."""
    population = tmp_path / "population.bin"
    people = (ImportProfilesRequest(workspace="w", identifiers=request(("email", value)).identifiers) for value in "ab")
    frames = (person.SerializeToString() for person in people)
    population.write_bytes(b"".join(pack("<I", len(frame)) + frame for frame in frames))
    connection = await asyncpg.connect(database_url)
    await naive_database.install(connection)
    assert await naive_database.fill(connection, population) == 2
    await connection.close()
    return database_url


async def test_the_naive_server_answers(naive_url: str) -> None:
    server = grpc.aio.server()
    async with asyncpg.create_pool(naive_url, min_size=1, max_size=2) as pool:
        servicer = NaiveServicer(pool)  # type: ignore[abstract]
        add_IdentityServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = IdentityServiceStub(channel)
            joined = await stub.Identify(request(("email", "a"), ("email", "b")))
            made = await stub.Identify(request(("email", "c")))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Identify(IdentifyRequest(workspace="w"))
        await server.stop(None)
    assert (joined.resolution.profile_id, joined.resolution.outcome) == (1, Outcome.OUTCOME_MERGED)
    assert (made.resolution.profile_id, made.resolution.outcome) == (3, Outcome.OUTCOME_CREATED)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_naive_peer_is_driven_directly(naive_url: str) -> None:
    calls = [(1, request(("email", f"new{number}")).SerializeToString()) for number in range(30)]
    reading = await drive(naive_url, decode(iter(calls)), connections=3, warm_up_s=0, seconds=30)
    assert (reading.calls, reading.used) == (30, 30)
    connection = await asyncpg.connect(naive_url)
    assert len(await naive_database.read_partition(connection)) == 32
    await connection.close()
    with pytest.raises(ValueError, match="Identify"):
        decode(iter([(4, b"")]))


@pytest.mark.parametrize("answer_bytes", [60, 150, 195, 400])
async def test_the_echo_answers_in_the_real_form_and_size(answer_bytes: int) -> None:
    echo = Echo(answer_bytes, calls_in_message=3)
    context: grpc.aio.ServicerContext[bytes, bytes] = None  # type: ignore[assignment]  # it does not look at it
    unary = await echo.unary(b"", context)
    assert abs(len(unary) - answer_bytes) <= 3
    assert IdentifyResponse.FromString(unary).resolution.outcome == Outcome.OUTCOME_MATCHED
    batch = BatchResolveResponse.FromString(await echo.batch(b"", context))
    assert [one.HasField("resolution") for one in batch.results] == [True] * 3

    async def messages() -> AsyncIterator[bytes]:
        for sequence in (0, 7, 300):
            yield StreamResolveRequest(sequence=sequence, workspace="w").SerializeToString()

    answers = [StreamResolveResponse.FromString(one) async for one in echo.stream(messages(), context)]
    assert [(one.sequence, len(one.results)) for one in answers] == [(0, 3), (7, 3), (300, 3)]


async def test_the_echo_by_the_front_answers_in_the_same_size(tmp_path: Path) -> None:
    address = free_address()
    command = python_module("benchmarks.peers.front_echo", "--listen", address, "--answer-bytes", "195")
    server = Server(command, address, tmp_path / "echo.log")
    try:
        await server.up()
        server.pause()
        server.resume()
        async with grpc.aio.insecure_channel(address) as channel:
            answer = await IdentityServiceStub(channel).Identify(request(("email", "a")), timeout=30)
    finally:
        await server.stop()
    assert abs(len(answer.SerializeToString()) - 195) <= 3
    assert answer.resolution.outcome == Outcome.OUTCOME_MATCHED


def test_the_disk_is_probed(tmp_path: Path) -> None:
    assert sync_write_us(tmp_path) > 0


async def test_copy_hands_over_every_row_that_an_index_is_loaded_from(database_url: str) -> None:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    key = await connection.fetchval(
        "INSERT INTO workspaces (workspace, workspace_key, digest_key, id_key, create_time_us, genesis_id, database_id)"
        " VALUES ('soho', 7, $1, $1, 0, $1, $1)"
        " RETURNING workspace_key",
        bytes(16),
    )
    await connection.execute("INSERT INTO profiles VALUES ($1, 1, 0, 0, 0, 0), ($1, 2, 0, 0, 0, 0)", key)
    await connection.execute(
        "INSERT INTO identifiers VALUES ($1, gen_random_uuid(), 0, 1, 'email', 'a', 'a', 0, 0)", key
    )
    await connection.close()
    told = await copy(database_url, "soho")
    assert told["calls"] == 3
    assert told["byte_count"] == pytest.approx(200, abs=100)


async def test_one_commit_writes_a_row_a_commit(database_url: str) -> None:
    reading = await one_commit.drive(database_url, warm_up_s=0, seconds=0.2)
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetchval("SELECT count(*) FROM one_commit")
    transactions = await connection.fetchval("SELECT count(DISTINCT xmin::text) FROM one_commit")
    await connection.close()
    assert reading.calls == rows == transactions > 1


async def test_raw_commit_repeats_the_rows_of_each_commit(database_url: str, other_database_url: str) -> None:
    for url in (database_url, other_database_url):
        await migrate(url)
    source = await asyncpg.connect(database_url)
    for seq in range(1, 5):
        async with source.transaction():
            await source.execute("INSERT INTO log VALUES (7, $1, $2, $2, 1, 0, $3, 1)", seq, bytes(16), bytes(48))
            await source.execute(
                "INSERT INTO profiles SELECT 7, $1 * 10 + n, 0, 0, 0, 0 FROM generate_series(1, 3) n", seq
            )
            await source.execute(
                "INSERT INTO identifiers SELECT 7, gen_random_uuid(), 0, $1, 'email', 'a', 'a', 0, 0", seq
            )
    since = await source.fetchval("SELECT min(xmin::text::bigint) FROM log")
    first = await raw_commit.run(database_url, other_database_url, since, skip=0, commits=2)
    second = await raw_commit.run(database_url, other_database_url, since, skip=2, commits=1)
    assert (first["commits"], first["used"]) == (2, 10)
    assert (second["commits"], second["used"]) == (1, 5)
    target = await asyncpg.connect(other_database_url)
    for table in ("log", "profiles", "identifiers"):
        wanted = await source.fetch(
            f"SELECT {table} FROM {table} WHERE xmin IN (SELECT xmin FROM log WHERE seq <= 3) ORDER BY 1"
        )
        assert await target.fetch(f"SELECT {table} FROM {table} ORDER BY 1") == wanted
    groups = await target.fetch("SELECT count(*) FROM profiles GROUP BY xmin::text")
    assert [row["count"] for row in groups] == [3, 3, 3]
    await source.close()
    await target.close()
