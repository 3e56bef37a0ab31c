"""A database goes back to an older copy under running servers: nobody gets another's rows, nothing stays dead.

Every order of {restore, create, write, restart} over two servers. Each value that is written names its workspace, so
that a row in the wrong place is seen in the tables.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg
import pytest

from tests.application.conftest import refusal_of
from tests.application.whole.core import Core, core_on, held
from tests.properties.copies import TABLES, Copy
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason, UttersonError
from utterson.settings.lanes import LaneSettings
from utterson.store.migrate import migrate
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.resolution_pb2 import OUTCOME_CREATED, Resolution

KEPT, LOST, FRESH = "kept", "lost", "fresh"
OPERATIONS = ("restore", "create", "write", "restart")
# Which server creates, writes and is started anew.
ASSIGNMENTS = list(itertools.product((0, 1), repeat=3))
LONG = os.environ.get("UTTERSON_LONG_TESTS") == "1"


def orders() -> list[tuple[list[tuple[str, int]], bool]]:
    """Every order, and whether the restore cuts connections: in turn, or all by UTTERSON_LONG_TESTS."""
    chosen = []
    for place, order in enumerate(itertools.permutations(OPERATIONS)):
        whole = list(itertools.product(ASSIGNMENTS, (False, True)))
        for (creates, writes, restarts), cuts in whole if LONG else [whole[(3 * place) % len(whole)]]:
            servers = {"create": creates, "write": writes, "restart": restarts}
            chosen.append(([(operation, servers.get(operation, 0)) for operation in order], cuts))
    return chosen


# No other refusal may be met: each says what is so.
HONEST = (Reason.WORKSPACE_NOT_FOUND, Reason.HISTORY_DIVERGED)
FOREIGN_ROWS = """
    SELECT w.workspace, i.raw_value FROM identifiers AS i LEFT JOIN workspaces AS w USING (workspace_key)
    WHERE w.workspace IS NULL OR i.raw_value NOT LIKE w.workspace || '-%'
"""
STRAYS = " UNION ALL ".join(
    f"SELECT '{table}' FROM {table} WHERE workspace_key NOT IN (SELECT workspace_key FROM workspaces)"
    for table in ("log", "profiles", "events", "history", "requests", "policies")
)


@dataclass
class Servers:
    """Two servers on one database, and what they answered since its last restore."""

    url: str
    connection: asyncpg.Connection
    copy: Copy
    cores: list[Core] = field(default_factory=list)
    stacks: list[AsyncExitStack] = field(default_factory=list)
    answered: dict[tuple[str, str], int] = field(default_factory=dict)
    written: int = 0

    async def start(self, server: int) -> None:
        """Start a server, or start it anew."""
        if server < len(self.stacks):
            await self.stacks[server].aclose()
        else:
            self.stacks.append(AsyncExitStack())
            self.cores.append(None)  # type: ignore[arg-type]
        self.stacks[server] = AsyncExitStack()
        self.cores[server] = await self.stacks[server].enter_async_context(
            core_on(self.url, LaneSettings(gather_ms_max=0))
        )

    async def identify(self, server: int, workspace: str, value: str) -> Resolution:
        """Identify a value on a server."""
        request = messages.IdentifyRequest(workspace=workspace, identifiers=held((("user_id", value),)))
        answer = await self.cores[server].identity.resolve(CallKind.IDENTIFY, request.SerializeToString())
        return messages.IdentifyResponse.FromString(answer).resolution

    async def write(self, server: int, workspace: str) -> Resolution | None:
        """Write a new value; None where the server honestly refuses."""
        self.written += 1
        value = f"{workspace}-{self.written}"
        try:
            resolution = await self.identify(server, workspace, value)
        except UttersonError as error:
            if error.reason not in HONEST:
                raise
            return None
        assert resolution.outcome == OUTCOME_CREATED
        self.answered[workspace, value] = resolution.profile_id
        return resolution

    async def create(self, server: int, workspace: str) -> None:
        """Make a workspace unless it is there."""
        try:
            await self.cores[server].workspaces.create_workspace(workspace, None, "identity_graph_rules")
        except UttersonError as error:
            if error.reason is not Reason.WORKSPACE_EXISTS:
                raise

    async def restore(self, *, end_connections: bool) -> None:
        """Go back to the copy."""
        await self.copy.restore(end_connections=end_connections)
        self.answered.clear()

    async def step(self, operation: str, server: int, *, end_connections: bool) -> None:
        """Do one of the operations."""
        match operation:
            case "restore":
                await self.restore(end_connections=end_connections)
            case "create":
                for workspace in (LOST, FRESH):
                    await self.create(server, workspace)
            case "write":
                for workspace in (KEPT, LOST, FRESH):
                    await self.write(server, workspace)
            case _:
                await self.start(server)


@pytest.fixture
async def servers(database_url: str) -> AsyncIterator[Servers]:
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    made = Servers(database_url, connection, Copy(connection))
    for server in (0, 1):
        await made.start(server)
    yield made
    for stack in made.stacks:
        await stack.aclose()
    await connection.close()


async def begin(servers: Servers) -> list[Resolution]:
    """Make a workspace, copy it, and have both servers know what the copy does not; tells what will be lost of it."""
    await servers.create(0, KEPT)
    await servers.write(0, KEPT)
    await servers.copy.take()
    await servers.create(0, LOST)
    lost = []
    for server in (0, 1):
        await servers.write(server, LOST)
        resolution = await servers.write(server, KEPT)
        assert resolution is not None
        lost.append(resolution)
    # The first one hears of the second one's.
    await servers.identify(0, KEPT, f"{KEPT}-{servers.written}")
    return lost


async def check(servers: Servers) -> None:
    """What was answered since the restore is so, on both servers, and both can write."""
    assert await servers.connection.fetch(FOREIGN_ROWS) == []
    assert await servers.connection.fetch(STRAYS) == []
    for workspace in (KEPT, LOST, FRESH):
        await servers.create(0, workspace)
        for server in (0, 1):
            assert await servers.write(server, workspace), f"{workspace} is dead on server {server}"
    for (workspace, value), profile_id in servers.answered.items():
        for server in (0, 1):
            assert (await servers.identify(server, workspace, value)).profile_id == profile_id
    assert await servers.connection.fetch(FOREIGN_ROWS) == []


async def check_lost(servers: Servers, lost: list[Resolution], *, seen: bool) -> None:
    """What was lost is nobody's, and its revisions are refused: the ids only if a server that knew them is there."""
    for server, resolution in itertools.product((0, 1), lost):
        profiles = servers.cores[server].profiles
        error = await refusal_of(profiles.get_profiles(KEPT, [1], resolution.revision, 1.0))
        assert error.reason is Reason.HISTORY_DIVERGED
        if seen:
            error = await refusal_of(profiles.get_profiles(KEPT, [resolution.profile_id], "", None))
            assert error.reason is Reason.PROFILE_NOT_FOUND
    if seen:
        assert not {one.profile_id for one in lost} & set(servers.answered.values())


async def test_every_order_over_two_servers(servers: Servers) -> None:
    for order, end_connections in orders():
        lost = await begin(servers)
        for operation, server in order:
            await servers.step(operation, server, end_connections=end_connections)
        await check(servers)
        names = [operation for operation, _ in order]
        # Whoever writes first after the restore must know what was lost: not started anew. `check` begins with 0.
        first = dict(order[names.index("restore") :]).get("write", 0)
        await check_lost(servers, lost, seen=dict(order)["restart"] != first)
        await clear(servers)


async def clear(servers: Servers) -> None:
    """Begin anew with no workspace, as after a restore of a copy of nothing."""
    await servers.connection.execute(f"TRUNCATE {', '.join(TABLES[1:])}")
    servers.answered.clear()


async def test_the_same_copy_again_and_again(servers: Servers) -> None:
    lost: list[Resolution] = []
    await servers.create(0, KEPT)
    await servers.write(0, KEPT)
    await servers.copy.take()
    for round_number in range(5):
        writer = round_number % 2
        resolution = await servers.write(writer, KEPT)
        assert resolution is not None
        assert resolution.profile_id not in {one.profile_id for one in lost}
        lost.append(resolution)
        await servers.identify(1 - writer, KEPT, f"{KEPT}-1")
        await servers.restore(end_connections=False)
    await check_lost(servers, lost, seen=True)
    await check(servers)
