"""What every cell works with: the cluster, the clients, loaded databases, and where readings go."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import asyncpg
import grpc
from rich.markup import escape

from benchmarks.harness.clients import AGAIN_CALLS, Clients, Freshness, Load, Shape, children_cpu_s, run_json
from benchmarks.harness.cluster import Cluster
from benchmarks.harness.goals import CoreFigure
from benchmarks.harness.processes import (
    PROGRAM,
    Server,
    free_address,
    machine_cpu,
    python_module,
    spinning,
    tree_cpu_s,
    utterson_serve,
)
from benchmarks.harness.readings import CpuSplit, Reading
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.telling import Telling, without_places
from benchmarks.harness.tools import build
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
    """A server that is driven with a workload; it remembers which calls it has seen, unless they change nothing."""

    server: Server
    workload: Workload
    database: str
    is_echo: bool = False
    used: int = 0
    # Known once the server has stopped.
    rows_written: int = 0

    @property
    def may_see_again(self) -> bool:
        """Whether its answers do not depend on what it has seen, so that the same calls serve again and again."""
        return self.is_echo or not self.workload.writes


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
    naive_connections: int = 8
    _workloads: dict[str, Workload] = field(default_factory=dict)
    _programs: dict[str, Path] = field(default_factory=dict)

    def program(self, package: str) -> Path:
        """Build one of our crates, once in a run; tell where its program lies."""
        if package not in self._programs:
            with self.telling.step(f"building {package}"):
                self._programs[package] = build(package)
        return self._programs[package]

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
        self, workload: Workload, *options: str, name: str = "utterson", program: Path = PROGRAM, spins: bool = False
    ) -> AsyncIterator[Target]:
        """Run our server on a fresh copy of the loaded database.

        Args:
            workload: what it is loaded with and driven by.
            options: of the command `serve`.
            name: of its database.
            program: the build, this one unless told otherwise.
            spins: whether a thread of pure Python never rests beside it.
        """
        template = await self.loaded(workload, program)
        database = await self.cluster.create(_identifier(name), template)
        async with self.serving(
            workload, database, _identifier(name), *options, program=program, spins=spins
        ) as target:
            yield target
        target.rows_written = await self.cluster.rows_written(_identifier(name))
        await self.cluster.drop(_identifier(name))

    @asynccontextmanager
    async def serving(
        self,
        workload: Workload,
        database_url: str,
        database: str,
        *options: str,
        program: Path = PROGRAM,
        spins: bool = False,
    ) -> AsyncIterator[Target]:
        """Run our server on a database, its indexes loaded."""
        address = free_address()
        command = utterson_serve(address, database_url, *options, program=program)
        if spins:
            command = spinning(*command)
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
    async def running(self, name: str, command_at: Callable[[str], list[str]]) -> AsyncIterator[Server]:
        """Run a server at a free address, given how its command is written for one."""
        address = free_address()
        server = Server(command_at(address), address, self.folder / f"{_identifier(name)}.log")
        try:
            yield await server.up()
        finally:
            await server.stop()

    def side(self, name: str, target: Target, load: Load) -> Side:
        """Make a side that drives a server with calls that it has not seen, unless they change nothing."""
        again = target.may_see_again and load.shape is not Shape.STREAM and not load.by_ghz

        async def drive() -> Reading:
            ids = target.workload.profile_ids if target.workload.has_changes else None
            place, ready = (0, AGAIN_CALLS) if again else (target.used, None)
            reading = await self.clients.drive(
                target.server.address,
                target.workload.calls,
                place,
                load,
                profile_ids=ids,
                ready_calls_max=ready,
                again=again,
            )
            target.used += 0 if again else reading.used
            return reading

        return Side(name, drive, target.server.process_id)

    def naive_direct(self, naive: Naive, connections: int = 0) -> Side:
        """Make the side that calls the naive peer's function directly."""
        count = connections or int(str(self.facts.get("naive direct connections", self.naive_connections)))

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

    def naive_unary(self, naive: Naive, target: Server, load: Load, name: str = "naive") -> Side:
        """Make the side that calls the naive peer behind a server, with calls that it has seen no way."""

        async def drive() -> Reading:
            reading = await self.clients.drive(target.address, naive.workload.calls, naive.used, load)
            naive.used += reading.used
            return reading

        return Side(name, drive, target.process_id)

    def failed(self, what: str, error: Exception) -> None:
        """Note that a part of the run failed; the rest goes on. Results are published: they name no places."""
        text = f"{type(error).__name__}: {error}"
        self.failures[what] = without_places(text)
        self.telling.say(f"[red]{what} failed: {escape(text)}")


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
