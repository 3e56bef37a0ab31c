"""`utterson import`: what is taken over, how faults are told, and that a file can be given again."""

import asyncio
import gzip
import io
import re
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from tests.cli.importing.helping import CANARY, line, run, write
from tests.cli.processes import free_port, run_command
from utterson.cli.importing.forms import OnConflict
from utterson.cli.importing.judging import RecordJudge, policy_of_preset
from utterson.cli.importing.pieces import Piece, pieces, request_id
from utterson.cli.importing.progress import LINE_INTERVAL_S, ImportProgress
from utterson.cli.importing.rejects import RejectsFile
from utterson.cli.importing.running import ImportOptions, run_import
from utterson.cli.importing.sources import Source
from utterson.client import CallRefused, ImportedProfile, UttersonClient
from utterson.v1 import workspace_service_pb2 as pb


async def test_a_file_is_taken_over_in_calls_and_ids_are_told_in_order(address: str, tmp_path: Path) -> None:
    lines = [line(number, traits={"plan": "gold", "name": "Zoë"}, merges=number) for number in range(25)]
    ids = tmp_path / "ids"
    path = write(tmp_path, *lines[:10], "", *lines[10:])
    said = await run(path, address, "taken", "--profiles-per-call", "10", "--profile-ids", str(ids))
    assert (said.code, said.error) == (0, "")
    assert "25 profiles with 50 identifiers" in said.told
    profile_ids = [int(one) for one in ids.read_text().split()]
    assert len(set(profile_ids)) == 25
    async with UttersonClient(address) as client:
        profile = (await client.get_profile("taken", profile_ids[17])).profile
    assert {one.normalized_value for one in profile.identifiers} == {"u17", "e17@example.com"}
    assert (profile.merges, profile.traits["name"], profile.create_time.ToJsonString()) == (
        17,
        "Zoë",
        "2024-05-01T12:00:00Z",
    )


async def test_a_file_may_be_packed(address: str, tmp_path: Path) -> None:
    path = tmp_path / "profiles.jsonl.gz"
    path.write_bytes(gzip.compress(f"{line(1)}\n{line(2)}\n".encode()))
    said = await run(path, address, "packed")
    assert said.code == 0
    assert "2 profiles with 4 identifiers" in said.told


async def test_a_fault_names_the_line_and_the_corrected_file_goes_on(address: str, tmp_path: Path) -> None:
    bad = line(12, identifiers=[{"type": "email", "value": CANARY + "x" * 3000}])
    lines = [line(number) for number in range(20)]
    path = write(tmp_path, *lines[:12], bad, *lines[13:])
    ids = tmp_path / "ids"
    said = await run(path, address, "mended", "--profiles-per-call", "5", "--profile-ids", str(ids))
    assert said.code == 1
    assert said.error.startswith("line 13, identifiers[0].value")
    assert "What stands before line 11 is taken over" in said.error
    assert CANARY not in said.error
    before = ids.read_text().split()
    assert len(before) == 10
    path = write(tmp_path, *lines)
    said = await run(path, address, "mended", "--profiles-per-call", "5", "--profile-ids", str(ids))
    assert (said.code, said.error) == (0, "")
    assert "10 profiles with 20 identifiers taken over\n10 were taken over by an earlier import already" in said.told
    assert ids.read_text().split()[:10] == before


async def test_an_identifier_that_somebody_holds_is_a_fault_of_its_line(address: str, tmp_path: Path) -> None:
    path = write(tmp_path, line(1), line(2), line(1))
    said = await run(path, address, "twice")
    assert said.code == 1
    assert said.error.startswith("line 3, identifiers[0]")
    assert "profiles[" not in said.error
    assert ". Nothing is taken over: correct it" in said.error


def cut(path: Path, profiles_max: int) -> list[Piece]:
    """Cut a file into pieces."""
    source = Source(str(path))
    return list(pieces(source.records(), lambda: source.bytes_read, profiles_max))


def test_pieces_have_request_ids_of_their_content(tmp_path: Path) -> None:
    def ids(*lines: str) -> list[str]:
        return [request_id(piece.records) for piece in cut(write(tmp_path, *lines), 2)]

    whole = ids(line(1), line(2), line(3), line(4), line(5))
    assert len(set(whole)) == 3
    assert ids(line(1), line(2), line(3), line(9), line(5)) == [whole[0], *ids(line(3), line(9)), whole[2]]


def test_a_changed_line_leaves_all_other_pieces_as_they_were(tmp_path: Path) -> None:
    lines = [line(number) for number in range(20_000)]
    whole = [request_id(piece.records) for piece in cut(write(tmp_path, *lines), 1000)]
    assert len(whole) > 20
    for changed in (
        ["", *lines],
        [line("new"), *lines],
        [*lines[:9000], line("x"), *lines[9001:]],
        lines[:7] + lines[9:],
    ):
        ids = {request_id(piece.records) for piece in cut(write(tmp_path, *changed), 1000)}
        assert len(set(whole) - ids) <= 4


def test_progress_tells_count_rate_and_time_left() -> None:
    now_s = 100.0
    shown = io.StringIO()
    progress = ImportProgress(Console(file=shown, width=100), 4_000, lambda: now_s)
    with progress:
        progress.advance(500, 1_500, 1_000)
        progress.tell()
        now_s += LINE_INTERVAL_S
        progress.tell()
        progress.tell()
        progress.advance(500, 1_500, 2_000)
        progress.tell()
    assert shown.getvalue() == "500 profiles, 100 a second, 15.0 s left\n"
    now_s += 85
    assert progress.summary().splitlines() == [
        "1,000 profiles with 3,000 identifiers taken over",
        "in 1 min 30 s, 33 identifiers a second",
    ]


async def test_progress_moves_while_a_call_takes_long() -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=100, force_terminal=True, color_system=None)
    with ImportProgress(console, 4_000, asyncio.get_running_loop().time) as progress:
        progress.advance(500, 1_500, 1_000)
        async with progress.told_regularly():
            await asyncio.sleep(1.7)
    assert len(re.findall("500 profiles", shown.getvalue())) >= 2


async def test_calls_tell_the_server_which_import_they_are_of_and_how_large_it_is(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    class Client:
        async def import_encoded(
            self,
            workspace: str,
            profiles: list[bytes],
            *,
            request_id: str,
            import_id: str,
            profiles_expected: int,
            after: asyncio.Future[None] | None,
            timeout_s: float,
        ) -> pb.ImportProfilesResponse:
            told.append((import_id, profiles_expected))
            assert (after is None) == (len(told) % 5 == 1)
            if after is not None:
                await after
            return pb.ImportProfilesResponse(profile_ids=range(1, len(profiles) + 1))

    for _ in range(2):
        # All of one length, so that what is expected is exact; a piece is full before its content may end it.
        source = Source(str(write(tmp_path, *(line(number) for number in range(100, 595)))))
        progress = ImportProgress(Console(file=io.StringIO()), source.bytes_total, lambda: 0.0)
        await run_import(
            cast("UttersonClient", Client()),
            "soho",
            source,
            progress,
            options=ImportOptions(99, skip_faults=False, on_conflict=OnConflict.REFUSE),
            judge=RecordJudge(policy_of_preset("unify"), 0.0),
            rejects=RejectsFile(None),
            ids=None,
        )
    ids = [import_id for import_id, _ in told]
    assert (len(told), len(set(ids)), len(set(ids[:5]))) == (10, 2, 1)
    assert all(expected >= 99 * (number % 5 + 1) for number, (_, expected) in enumerate(told))
    assert told[4][1] == told[9][1] == 495


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    done = run_command(
        "import", str(write(tmp_path, line(1))), "--workspace", "w", "--address", f"127.0.0.1:{free_port()}"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("utterson: no server can be reached at 127.0.0.1:")
    assert len(done.stderr.splitlines()) == 1


async def test_what_stands_before_a_line_that_is_no_profile_is_taken_over(address: str, tmp_path: Path) -> None:
    ids = tmp_path / "ids"
    path = write(tmp_path, *(line(number) for number in range(11)), "{")
    said = await run(path, address, "stopped", "--profiles-per-call", "5", "--profile-ids", str(ids))
    assert said.code == 1
    assert "line 12, column 2: is not JSON" in said.error
    assert len(ids.read_text().split()) == 10


async def test_a_call_takes_effect_after_the_one_before_it_or_never(address: str) -> None:
    loop = asyncio.get_running_loop()
    first, second = (ImportedProfile([("user_id", name)]) for name in ("first", "second"))
    async with UttersonClient(address) as client:
        await client.create_workspace("ordered", preset="identity_graph_rules")
        before: asyncio.Future[None] = loop.create_future()
        call = asyncio.create_task(client.import_profiles("ordered", [first], after=before))
        await asyncio.wait({call}, timeout=0.3)
        with pytest.raises(CallRefused, match="NO_MATCH"):
            await client.search("ordered", [("user_id", "first")])
        before.set_result(None)
        (profile_id,) = await call
        assert (await client.search("ordered", [("user_id", "first")])).profile_id == profile_id
        broken: asyncio.Future[None] = loop.create_future()
        broken.set_exception(OSError("the call before it"))
        with pytest.raises(asyncio.CancelledError):
            await client.import_profiles("ordered", [second], after=broken)
        with pytest.raises(CallRefused, match="NO_MATCH"):
            await client.search("ordered", [("user_id", "second")])
