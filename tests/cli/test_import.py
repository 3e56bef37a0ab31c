"""`utterson import`: what is taken over, how faults are told, and that a file can be given again."""

import asyncio
import gzip
import io
import json
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from tests.cli.processes import free_port, run_command
from utterson.cli.importing.progress import LINE_INTERVAL_S, ImportProgress
from utterson.cli.importing.reading import ImportFileError, opened, pieces
from utterson.cli.importing.running import run_import as import_file
from utterson.client import CallRefused, ImportedProfile, UttersonClient

CANARY = "canary-7f3a"


def line(number: int, **fields: object) -> str:
    """Write one profile."""
    identifiers = [
        {"type": "user_id", "value": f"u{number}"},
        {"type": "email", "value": f"e{number}@example.com"},
    ]
    return json.dumps({"identifiers": identifiers, "create_time": "2024-05-01T12:00:00Z"} | fields)


def write(folder: Path, *lines: str) -> Path:
    """Write a file of profiles."""
    path = folder / "profiles.jsonl"
    path.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    return path


async def run_import(path: Path, address: str, workspace: str, *options: str) -> tuple[int, str, str]:
    """Run the command against a server of this process."""
    words = ["import", str(path), "--workspace", workspace, "--address", address, "--preset", "identity_graph_rules"]
    done = await asyncio.to_thread(run_command, *words, *options)
    return done.returncode, done.stdout, done.stderr


async def test_a_file_is_taken_over_in_calls_and_ids_are_told_in_order(address: str, tmp_path: Path) -> None:
    lines = [line(number, traits={"plan": "gold", "name": "Zoë"}, merges=number) for number in range(25)]
    ids = tmp_path / "ids"
    path = write(tmp_path, *lines[:10], "", *lines[10:])
    code, told, errors = await run_import(
        path, address, "taken", "--profiles-per-call", "10", "--profile-ids", str(ids)
    )
    assert (code, errors) == (0, "")
    assert "25 profiles with 50 identifiers" in told
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
    code, told, _ = await run_import(path, address, "packed")
    assert code == 0
    assert "2 profiles with 4 identifiers" in told


async def test_a_fault_names_the_line_and_the_corrected_file_goes_on(address: str, tmp_path: Path) -> None:
    bad = line(12, identifiers=[{"type": "email", "value": CANARY + "x" * 3000}])
    lines = [line(number) for number in range(20)]
    path = write(tmp_path, *lines[:12], bad, *lines[13:])
    ids = tmp_path / "ids"
    code, _, errors = await run_import(path, address, "mended", "--profiles-per-call", "5", "--profile-ids", str(ids))
    assert code == 1
    assert errors.startswith("utterson: line 13, identifiers[0].value")
    assert "The lines before 11 are taken over" in errors
    assert CANARY not in errors
    before = ids.read_text().split()
    assert len(before) == 10
    path = write(tmp_path, *lines)
    code, told, errors = await run_import(
        path, address, "mended", "--profiles-per-call", "5", "--profile-ids", str(ids)
    )
    assert (code, errors) == (0, "")
    assert "20 profiles" in told
    assert ids.read_text().split()[:10] == before


async def test_an_identifier_that_somebody_holds_is_a_fault_of_its_line(address: str, tmp_path: Path) -> None:
    path = write(tmp_path, line(1), line(2), line(1))
    code, _, errors = await run_import(path, address, "twice")
    assert code == 1
    assert errors.startswith("utterson: line 3, identifiers[0]")
    assert "profiles[" not in errors
    assert ". Nothing is taken over: correct the file" in errors


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{{{CANARY}", "line 2 is not JSON"),
        (f'["{CANARY}"]', "line 2 is no JSON object"),
        (line(1, **{CANARY: 1}), "line 2 has a key that a profile has not"),
        (line(1, identifiers={"email": CANARY}), "line 2: identifiers must be a list"),
        (line(1, identifiers=[{"type": "email"}]), "line 2: each of the identifiers"),
        (line(1, identifiers=[{"type": "user_id", "value": 7}]), "line 2: type and value"),
        (line(1, traits=[CANARY]), "line 2: traits"),
        (line(1, merges=-1), "line 2: merges"),
        (line(1, merges=True), "line 2: merges"),
        (line(1, create_time="2024-05-01T12:00:00"), "line 2: create_time"),
        (line(1, create_time=CANARY), "line 2: create_time"),
    ],
)
def test_a_line_that_is_no_profile_is_named_without_its_values(text: str, told: str, tmp_path: Path) -> None:
    path = write(tmp_path, line(0), text)
    with pytest.raises(ImportFileError) as caught, opened(path) as (raw, source):
        list(pieces(raw, source, 10))
    assert told in str(caught.value)
    assert CANARY not in str(caught.value)


def test_pieces_have_request_ids_of_their_content(tmp_path: Path) -> None:
    def ids(*lines: str) -> list[str]:
        with opened(write(tmp_path, *lines)) as (raw, source):
            return [piece.request_id for piece in pieces(raw, source, 2)]

    whole = ids(line(1), line(2), line(3), line(4), line(5))
    assert len(set(whole)) == 3
    assert ids(line(1), line(2), line(3), line(9), line(5)) == [whole[0], *ids(line(3), line(9)), whole[2]]


def test_what_is_no_gzip_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "profiles.gz"
    path.write_bytes(gzip.compress(line(1).encode())[:20])
    with pytest.raises(ImportFileError, match="cannot be read"), opened(path) as (raw, source):
        list(pieces(raw, source, 10))


def test_progress_tells_count_rate_and_time_left() -> None:
    now_s = 100.0
    shown = io.StringIO()
    progress = ImportProgress(Console(file=shown, width=100), 4_000, lambda: now_s)
    with progress:
        now_s += LINE_INTERVAL_S
        progress.advance(500, 1_500, 1_000)
        progress.advance(500, 1_500, 2_000)
    assert shown.getvalue() == "500 profiles, 50 a second, 30.0 s left\n"
    now_s += 80
    assert progress.summary().splitlines() == [
        "1,000 profiles with 3,000 identifiers taken over",
        "in 1 min 30 s, 33 identifiers a second",
    ]


async def test_calls_tell_the_server_which_import_they_are_of_and_how_large_it_is(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    class Client:
        async def import_profiles(
            self,
            workspace: str,
            profiles: list[ImportedProfile],
            *,
            request_id: str,
            import_id: str,
            profiles_expected: int,
            after: asyncio.Future[None] | None,
            timeout_s: float,
        ) -> list[int]:
            told.append((import_id, profiles_expected))
            assert (after is None) == (len(told) % 5 == 1)
            if after is not None:
                await after
            return list(range(1, len(profiles) + 1))

    for _ in range(2):
        path = write(tmp_path, *(line(number) for number in range(100, 600)))
        progress = ImportProgress(Console(file=io.StringIO()), path.stat().st_size, lambda: 0.0)
        client = cast("UttersonClient", Client())
        await import_file(client, "soho", path, progress, profiles_per_call=100, ids=None)
    ids = [import_id for import_id, _ in told]
    assert (len(told), len(set(ids)), len(set(ids[:5]))) == (10, 2, 1)
    assert all(expected >= 100 * (number % 5 + 1) for number, (_, expected) in enumerate(told))
    assert told[4][1] == told[9][1] == 500


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
    code, _, errors = await run_import(path, address, "stopped", "--profiles-per-call", "5", "--profile-ids", str(ids))
    assert code == 1
    assert "line 12 is not JSON" in errors
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
