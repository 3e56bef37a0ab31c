"""What every cell works with: the cluster, the clients, loaded databases, and where readings go."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

import asyncpg
import grpc
from rich.markup import escape

from benchmarks.harness.clients import Clients, Freshness, Load, Shape, children_cpu_s, run_json
from benchmarks.harness.cluster import Cluster
from benchmarks.harness.goals import CoreFigure
from benchmarks.harness.processes import (
    PROGRAM,
    Server,
    free_address,
    machine_cpu,
    python_module,
    tree_cpu_s,
    utterson_serve,
)
from benchmarks.harness.readings import CpuSplit, Reading
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.telling import Telling, without_places
from benchmarks.harness.workloads import Workload, generate
from benchmarks.peers import naive_database
from benchmarks.peers.disk import sync_write_us
from utterson.v1.identity_service_pb2 import SearchRequest
from utterson.v1.identity_service_pb2_grpc import IdentityServiceStub
from utterson.v1.resolution_pb2 import Consistency

PRIMING_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Side:
    """One of those that are compared; `process_id` is the root of its server's processes, 0 where it has none."""

    name: str
    drive: Callable[[], Awaitable[Reading]]
    process_id: int = 0


@dataclass
class Target:
    """A server that is driven with a workload; it remembers which calls it has seen."""

    server: Server
    workload: Workload
    database: str
    used: int = 0
    # Known once the server has stopped.
    rows_written: int = 0


@dataclass
class Naive:
    """The naive peer's database; it remembers which calls it has seen, whichever way they came."""

    database_url: str
    workload: Workload
    used: int = 0


@dataclass
class Bench:
    """A run of the benchmarks."""

    cluster: Cluster
    clients: Clients
    sizes: Sizes
    folder: Path
    telling: Telling
    readings: dict[str, dict[str, list[Reading]]] = field(default_factory=dict)
    core: list[CoreFigure] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    is_stopped: bool = False
    _workloads: dict[str, Workload] = field(default_factory=dict)
    _naive_connections: int = 8

    async def workload(self, name: str, population: int, calls: int, label: str = "") -> Workload:
        """Generate a workload, once in a run."""
        label = label or name
        if label not in self._workloads:
            with self.telling.step(f"generating {label}: {population:,} profiles, {calls:,} calls"):
                made = await generate(self.clients, self.folder, name, population, calls, label)
            self._workloads[label] = made
        return self._workloads[label]

    async def pairs(self, cell: str, sides: list[Side], count: int | None = None) -> None:
        """Drive the sides in turn, so many times, back and forth; record every reading."""
        await self.cluster.settle()
        recorded = self.readings.setdefault(cell, {side.name: [] for side in sides})
        for pair in range(self.sizes.pairs if count is None else count):
            for side in sides if pair % 2 == 0 else sides[::-1]:
                with self.telling.step(f"{cell}: {side.name}, pair {pair + 1}"):
                    reading = await self.measure(side)
                if reading.calls == 0:
                    raise RuntimeError(f"{cell}: {side.name} measured no call: were its calls used up?")
                if reading.refused:
                    self.telling.say(f"[yellow]{cell}: {side.name} refused {reading.refused}")
                if reading.ran_dry:
                    self.telling.say(f"[yellow]{cell}: {side.name} used up its calls")
                recorded[side.name].append(reading)
                self.telling.reading(cell, side.name, reading)

    async def measure(self, side: Side) -> Reading:
        """Drive a side once and split the CPU time that it took."""
        sync_us = sync_write_us(self.folder)
        wal_bytes = await self.cluster.wal_bytes()
        servers = side.process_id
        server = tree_cpu_s(servers) if servers else 0.0
        postgres, clients, machine = tree_cpu_s(self.cluster.process_id), children_cpu_s(), machine_cpu()
        reading = await side.drive()
        server = tree_cpu_s(servers) - server if servers else 0.0
        postgres, clients = tree_cpu_s(self.cluster.process_id) - postgres, children_cpu_s() - clients
        now = machine_cpu()
        total_s = now.total_s - machine.total_s
        others_s = now.busy_s - machine.busy_s - server - postgres - clients
        used, calls = max(1, reading.used), max(1, reading.calls)
        own_us = 1e6 * reading.client_cpu_seconds / calls if reading.client_cpu_seconds else 1e6 * clients / used
        others = max(0.0, others_s) / total_s if total_s else 0.0
        cpu = CpuSplit(1e6 * server / used, 1e6 * postgres / used, own_us, others)
        return reading.seen(cpu, sync_us, await self.cluster.wal_bytes() - wal_bytes)

    @asynccontextmanager
    async def utterson(
        self, workload: Workload, *options: str, name: str = "utterson", program: Path = PROGRAM
    ) -> AsyncIterator[Target]:
        """Run our server, of this build unless told otherwise, on a fresh copy of the loaded database."""
        template = await self.loaded(workload, program)
        database = await self.cluster.create(_identifier(name), template)
        async with self.serving(workload, database, _identifier(name), *options, program=program) as target:
            yield target
        target.rows_written = await self.cluster.rows_written(_identifier(name))
        await self.cluster.drop(_identifier(name))

    @asynccontextmanager
    async def serving(
        self, workload: Workload, database_url: str, database: str, *options: str, program: Path = PROGRAM
    ) -> AsyncIterator[Target]:
        """Run our server on a database, its indexes loaded."""
        address = free_address()
        command = utterson_serve(address, database_url, *options, program=program)
        server = Server(command, address, self.folder / f"{database}.log")
        try:
            await server.up()
            await prime(address, workload.workspaces)
            yield Target(server, workload, database)
        finally:
            await server.stop()

    async def loaded(self, workload: Workload, program: Path = PROGRAM) -> str:
        """Load a population through the API into a database of its own, once in a run; tell the database.

        Another build than this one gets a database of its own: its tables may differ.
        """
        other = "" if program == PROGRAM else f"_{crc32(str(program).encode()):08x}"
        database = _identifier(f"loaded_{workload.label}{other}")
        if database in self.facts:
            return database
        with self.telling.step(f"importing {workload.identifiers:,} identifiers of {workload.label}"):
            url = await self.cluster.create(database)
            address = free_address()
            command = utterson_serve(address, url, program=program)
            server = Server(command, address, self.folder / f"{database}.log")
            try:
                await server.up()
                options = {"address": address, "input": workload.folder, "profile-ids": workload.profile_ids}
                self.facts[database] = await run_json(self.clients.command("load-population", options))
            finally:
                await server.stop()
            await self.cluster.vacuum(database)
        return database

    @asynccontextmanager
    async def naive(self, workload: Workload) -> AsyncIterator[Naive]:
        """Give a fresh copy of the naive peer's loaded database."""
        template = _identifier(f"naive_{workload.label}")
        if template not in self.facts:
            with self.telling.step(f"filling the naive peer with {workload.identifiers:,} identifiers"):
                connection = await asyncpg.connect(await self.cluster.create(template))
                await naive_database.install(connection)
                self.facts[template] = await naive_database.fill(connection, workload.population)
                await connection.close()
                await self.cluster.vacuum(template)
        yield Naive(await self.cluster.create("naive", template), workload)
        await self.cluster.drop("naive")

    @asynccontextmanager
    async def naive_server(self, naive: Naive, connections: int = 0) -> AsyncIterator[Server]:
        """Run the naive peer's server."""
        count = connections or int(str(self.facts.get("naive server connections", self._naive_connections)))
        options = ("--database-url", naive.database_url, "--connections", str(count))
        async with self._peer("benchmarks.peers.naive_server", *options) as server:
            yield server

    @asynccontextmanager
    async def echo(self, answer_bytes: int, workload: Workload, calls_in_message: int = 100) -> AsyncIterator[Target]:
        """Run the bare echo, with answers of that size."""
        options = ("--answer-bytes", str(answer_bytes), "--calls-in-message", str(calls_in_message))
        async with self._peer("benchmarks.peers.echo_server", *options) as server:
            yield Target(server, workload, "")

    def side(self, name: str, target: Target, load: Load, *, is_own_client: bool = False) -> Side:
        """Make a side that drives a server with the calls that it has not seen."""
        clients = replace(self.clients, ghz=None) if is_own_client else self.clients

        async def drive() -> Reading:
            ids = target.workload.profile_ids if target.workload.has_changes else None
            calls = target.workload.calls
            reading = await clients.drive(target.server.address, calls, target.used, load, profile_ids=ids)
            target.used += reading.used
            return reading

        return Side(name, drive, target.server.process_id)

    def naive_direct(self, naive: Naive, connections: int = 0) -> Side:
        """Make the side that calls the naive peer's function directly."""
        count = connections or int(str(self.facts.get("naive direct connections", self._naive_connections)))

        async def drive() -> Reading:
            options = [
                "--database-url", naive.database_url, "--calls", str(naive.workload.calls),
                "--skip", str(naive.used), "--connections", str(count),
                "--warm-up-seconds", str(self.clients.warm_up_s), "--seconds", str(self.clients.seconds),
            ]  # fmt: skip
            reading = Reading.of_report(await run_json(python_module("benchmarks.peers.naive_direct", *options)))
            naive.used += reading.used
            return reading

        return Side("naive direct", drive)

    def naive_unary(self, naive: Naive, target: Server, load: Load) -> Side:
        """Make the side that calls the naive peer behind its server, with calls that it has seen neither way."""

        async def drive() -> Reading:
            reading = await self.clients.drive(target.address, naive.workload.calls, naive.used, load)
            naive.used += reading.used
            return reading

        return Side("naive", drive, target.process_id)

    def failed(self, what: str, error: Exception) -> None:
        """Note that a part of the run failed; the rest goes on. Results are published: they name no places."""
        text = f"{type(error).__name__}: {error}"
        self.failures[what] = without_places(text)
        self.telling.say(f"[red]{what} failed: {escape(text)}")

    @asynccontextmanager
    async def _peer(self, module: str, *options: str) -> AsyncIterator[Server]:
        address = free_address()
        command = python_module(module, "--listen", address, *options)
        server = Server(command, address, self.folder / f"{module.rpartition('.')[2]}.log")
        try:
            yield await server.up()
        finally:
            await server.stop()


async def prime(address: str, workspaces: list[str]) -> None:
    """Make the server load its indexes, so that the first drive does not wait for them."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = IdentityServiceStub(channel)
        for workspace in workspaces:
            request = SearchRequest(workspace=workspace, consistency=Consistency.CONSISTENCY_LOCAL)
            request.identifiers.add(type="email", value="nobody@example.com")
            try:
                await stub.Search(request, timeout=PRIMING_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise RuntimeError(f"the server cannot load {workspace}: {error.code().name}") from None


def unary(callers: int, freshness: Freshness = Freshness.DEFAULT) -> Load:
    """Unary calls from so many callers, over a connection for each sixteen."""
    return Load(Shape.UNARY, connections=max(1, callers // 16), callers=callers, freshness=freshness)


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text.lower())
