"""An import that is killed, and a server that is killed under it: given again, everything is there once."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

from tests.cli.importing.helping import line, run, write
from tests.cli.processes import COMMAND, environment
from tests.crashes.rig import opened_rig
from tests.embedded.processes import NEEDS_PROC
from utterson.client import CallRefused, UttersonClient
from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace

FILES = 3
PROFILES_OF_A_FILE = 6_000
PROFILES = FILES * PROFILES_OF_A_FILE
COUNT = """
SELECT (SELECT count(*) FROM profiles WHERE workspace_key = w.workspace_key),
    (SELECT count(*) FROM identifiers WHERE workspace_key = w.workspace_key)
FROM workspaces w WHERE workspace = $1
"""


def files(folder: Path) -> Path:
    """Write a folder of files."""
    folder.mkdir()
    for number in range(FILES):
        first = number * PROFILES_OF_A_FILE
        lines = (line(one, traits={"number": one}) for one in range(first, first + PROFILES_OF_A_FILE))
        write(folder, *lines, name=f"part-{number}.jsonl")
    return folder


async def counts(database_url: str, workspace: str) -> tuple[int, int]:
    """Count the profiles and identifiers of a workspace."""
    connection = await asyncpg.connect(database_url)
    row = await connection.fetchrow(COUNT, workspace)
    await connection.close()
    return (0, 0) if row is None else (row[0], row[1])


async def started(folder: Path, address: str, workspace: str) -> asyncio.subprocess.Process:
    """Start an import as a process of its own."""
    words = ["import", str(folder), "--workspace", workspace, "--address", address, "--profiles-per-call", "1000"]
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *words,
        "--preset",
        "unify",
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def until_taken(address: str, workspace: str, number: int) -> None:
    """Wait until a profile is there."""
    async with UttersonClient(address) as client:
        while True:
            try:
                await client.search(workspace, [("user_id", f"u{number}")])
            except CallRefused:
                await asyncio.sleep(0.02)
            else:
                return


@pytest.mark.parametrize("after", [100, 7_000])
async def test_a_killed_import_goes_on_without_taking_anything_twice(
    address: str, module_database_url: str, tmp_path: Path, after: int
) -> None:
    folder, workspace = files(tmp_path / "export"), f"killed-{after}"
    process = await started(folder, address, workspace)
    async with asyncio.timeout(60):
        await until_taken(address, workspace, after)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    before, _ = await counts(module_database_url, workspace)
    assert after < before
    ids = tmp_path / "ids"
    said = await run(folder, address, workspace, "--profiles-per-call", "1000", "--profile-ids", str(ids))
    assert (said.code, said.error) == (0, "")
    assert "were taken over by an earlier import already: nothing changed" in said.told
    assert await counts(module_database_url, workspace) == (PROFILES, 2 * PROFILES)
    assert len(set(ids.read_text().split())) == PROFILES
    again = await run(folder, address, workspace, "--profiles-per-call", "1000")
    assert f"0 profiles with 0 identifiers taken over\n{PROFILES:,} were taken over by an earlier" in again.told


async def test_a_file_that_changed_between_the_tries(address: str, module_database_url: str, tmp_path: Path) -> None:
    """What is changed where it was not taken over yet is taken as it is now; all else is known, or told."""
    folder = files(tmp_path / "export")
    words = ("--profiles-per-call", "1000")
    said = await run(folder / "part-0.jsonl", address, "changed", *words)
    assert said.code == 0
    first = (folder / "part-0.jsonl").read_text().splitlines()
    write(folder, line("new"), *first[:3000], *first[3001:], name="part-0.jsonl")
    refused = await run(folder, address, "changed", *words)
    assert refused.code == 1
    assert "another profile holds it already: see --on-conflict" in refused.error
    said = await run(folder, address, "changed", *words, "--on-conflict", "skip")
    assert (said.code, said.error) == (0, "")
    assert "are there already, each with one holder" in said.told
    assert "were taken over by an earlier import already" in said.told
    assert await counts(module_database_url, "changed") == (PROFILES + 1, 2 * PROFILES + 2)


@NEEDS_PROC
@pytest.mark.parametrize("place", [FailpointPlace.BEFORE_COMMIT, FailpointPlace.AFTER_COMMIT])
async def test_a_killed_server_leaves_the_import_to_be_given_again(tmp_path: Path, place: FailpointPlace) -> None:
    folder = files(tmp_path / "export")
    async with opened_rig() as rig:
        await rig.server.start()
        async with UttersonClient(rig.server.address, timeout_s=30) as client:
            await client.create_workspace("shop", preset="unify")
        await rig.server.stop()
        await rig.server.start(place, FailpointBehaviour.KILL, passes=7)
        said = await run(folder, rig.server.address, "shop", "--profiles-per-call", "1000")
        assert await rig.server.killed_itself()
        assert said.code == 1
        assert "then give the file again whole" in said.error or "UNAVAILABLE" in said.error
        await rig.server.start()
        said = await run(folder, rig.server.address, "shop", "--profiles-per-call", "1000")
        assert (said.code, said.error) == (0, "")
        assert await counts(rig.cluster.dsn, "shop") == (PROFILES, 2 * PROFILES)
        await rig.server.stop()
