"""Faults left out, and lines whose identifiers somebody holds: refused, left out, or sent through the rules."""

from pathlib import Path

import pytest

from tests.cli.importing.helping import CANARY, FIELD, line, rejects_of, run, write
from utterson.client import CallRefused, UttersonClient


def held(number: int, mail: str, **fields: object) -> str:
    """Write a profile with a mail of its own or of another."""
    identifiers = [{"type": "user_id", "value": f"h{number}"}, {"type": "email", "value": mail}]
    return line(number, identifiers=identifiers, **fields)


async def identifiers(address: str, workspace: str, pair: tuple[str, str]) -> set[str]:
    """Tell what the profile with an identifier holds; nothing where there is none."""
    async with UttersonClient(address) as client:
        try:
            found = await client.search(workspace, [pair])
        except CallRefused:
            return set()
        profile = (await client.get_profile(workspace, found.profile_id)).profile
    return {one.identifier.value for one in profile.identifiers}


@pytest.mark.parametrize("profiles_per_call", [3, 1000])
async def test_what_is_at_fault_is_left_out_and_written(address: str, tmp_path: Path, profiles_per_call: int) -> None:
    rejects, ids = tmp_path / "rejects.jsonl", tmp_path / "ids"
    workspace = f"left-out-{profiles_per_call}"
    said = await run(
        FIELD / "empty_emails.jsonl",
        address,
        workspace,
        "--skip-faults",
        "--rejects",
        str(rejects),
        "--profile-ids",
        str(ids),
        "--profiles-per-call",
        str(profiles_per_call),
    )
    assert (said.code, said.error) == (0, "")
    assert "27 profiles with 54 identifiers taken over\n3 are at fault: left out" in said.told
    written = rejects_of(rejects)
    assert [str(one["reason"]).split(":")[0] for one in written] == [
        f"line {number}, identifiers[1].value" for number in (6, 16, 26)
    ]
    assert written[0]["identifiers"] == [{"type": "user_id", "value": "q-5"}, {"type": "email", "value": ""}]
    told = ids.read_text().split()
    assert len(told) == 30
    assert [number for number, one in enumerate(told, 1) if one == "0"] == [6, 16, 26]
    assert await identifiers(address, workspace, ("user_id", "q-29")) == {"q-29", "q29@example.com"}
    assert await identifiers(address, workspace, ("user_id", "q-5")) == set()


async def test_without_the_option_all_faults_of_the_call_are_told(address: str) -> None:
    said = await run(FIELD / "empty_emails.jsonl", address, "told")
    assert said.code == 1
    assert said.error.startswith("line 6, identifiers[1].value: ")
    assert "line 16, " in said.error
    assert "line 26" in said.error
    assert said.error.count("must not be empty") == 1
    assert "Nothing is taken over" in said.error


async def test_a_rejects_file_can_be_mended_and_given(address: str, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    path = write(tmp_path, line(1), line(2, merges=-1), "{", line(3))
    said = await run(path, address, "mended-rejects", "--skip-faults", "--rejects", str(rejects))
    assert "2 profiles with 4 identifiers taken over\n2 are at fault" in said.told
    assert rejects_of(rejects)[1] == {"source": "{", "reason": "line 3, column 2: is not JSON: write one record a line"}
    mended = rejects.read_text().splitlines()[0].replace('"merges": -1', '"merges": 1')
    said = await run(write(tmp_path, mended), address, "mended-rejects")
    assert "1 profile with 2 identifiers taken over" in said.told


async def test_an_identifier_of_several_lines_is_refused_with_all_of_them(address: str) -> None:
    said = await run(FIELD / "one_email_many_times.jsonl", address, "many")
    assert said.code == 1
    assert said.error.startswith("line 4, identifiers[1]: another profile holds it already")
    assert "--on-conflict (also line 6, line " in said.error
    assert "--on-conflict skip takes the rest" in said.error
    assert "and " in said.error or "line 40: " in said.error
    assert "Nothing is taken over" in said.error


async def test_an_identifier_of_several_lines_can_be_skipped(address: str, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    path = FIELD / "one_email_many_times.jsonl"
    said = await run(path, address, "skipped", "--on-conflict", "skip", "--rejects", str(rejects))
    assert (said.code, said.error) == (0, "")
    assert "21 profiles with 42 identifiers taken over\n19 have an identifier that others hold: left out" in said.told
    assert len(rejects_of(rejects)) == 19
    assert await identifiers(address, "skipped", ("email", "shared@example.com")) == {"x-1", "shared@example.com"}
    again = await run(path, address, "skipped", "--on-conflict", "skip")
    assert "0 profiles" in again.told
    assert "21 are there already" in again.told
    assert "19 have an identifier that others hold: left out" in again.told


async def test_a_held_identifier_can_be_resolved_by_the_rules(address: str, tmp_path: Path) -> None:
    async with UttersonClient(address) as client:
        await client.create_workspace("resolved", preset="unify")
        known = await client.identify("resolved", [("email", "known@example.com")], traits={"plan": "old"})
    path = write(
        tmp_path,
        held(1, "one@example.com"),
        held(2, "known@example.com", traits={"plan": "gold", "colour": "red"}, create_time="2025-01-01T00:00:00Z"),
        held(3, "known@example.com"),
        held(4, "four@example.com"),
    )
    ids = tmp_path / "ids"
    for _ in range(2):
        said = await run(path, address, "resolved", "--on-conflict", "resolve", "--profile-ids", str(ids))
        assert (said.code, said.error) == (0, "")
    assert "2 profiles with 4 identifiers taken over" not in said.told
    told = [int(one) for one in ids.read_text().split()]
    assert told[1] == known.profile_id
    assert len(set(told)) >= 3
    async with UttersonClient(address) as client:
        profile = (await client.get_profile("resolved", known.profile_id)).profile
        history = [entry async for entry in client.list_history("resolved", known.profile_id)]
    assert {one.identifier.value for one in profile.identifiers} == {"h2", "known@example.com"}
    assert profile.traits["colour"] == "red"
    # Once by the caller, once by line 2; line 3 breaks the limit on user ids, and is a profile of its own or demoted.
    assert len(history) <= 3


async def test_resolving_again_overwrites_nothing_newer(address: str, tmp_path: Path) -> None:
    def undated(number: int, mail: str, **fields: object) -> str:
        return held(number, mail, create_time=None, **fields)

    consent = {"consent": True}
    lines = [undated(1, "a@example.com", traits=consent), held(2, "b@example.com", traits=consent)]
    shared = undated(3, "b@example.com")
    path = write(tmp_path, *lines, shared)
    said = await run(path, address, "newer", "--on-conflict", "resolve")
    assert "2 profiles with 4 identifiers taken over\n1 " in said.told
    async with UttersonClient(address) as client:
        for number in (1, 2):
            await client.identify("newer", [("user_id", f"h{number}")], traits={"consent": False})
        said = await run(path, address, "newer", "--on-conflict", "resolve")
        assert (said.code, said.error) == (0, "")
        for number in (1, 2):
            found = await client.search("newer", [("user_id", f"h{number}")])
            profile = (await client.get_profile("newer", found.profile_id)).profile
            assert profile.traits["consent"] is False
    undecided = write(tmp_path, *lines, undated(4, "b@example.com", traits=consent), name="undecided.jsonl")
    said = await run(undecided, address, "newer", "--on-conflict", "resolve")
    assert said.code == 1
    assert said.error.startswith("line 3, create_time: is needed to resolve a line with traits")
    rejects = tmp_path / "rejects.jsonl"
    options = ("--on-conflict", "resolve", "--skip-faults", "--rejects", str(rejects))
    said = await run(undecided, address, "newer", *options)
    assert said.code == 0
    assert len(rejects_of(rejects)) == 1
    assert await identifiers(address, "newer", ("user_id", "h4")) == set()


async def test_conflicts_of_the_isolation_family_are_of_unique_types(address: str, tmp_path: Path) -> None:
    def shop(number: int, mail: str, device: str) -> str:
        pairs = [("customer_id", f"c{number}"), ("email", mail), ("idfv", device)]
        return line(number, identifiers=[{"type": name, "value": value} for name, value in pairs])

    async with UttersonClient(address) as client:
        await client.create_workspace("shop", preset="profile_isolation")
        await client.login("shop", [("customer_id", "there"), ("email", "there@example.com"), ("idfv", "one")])
    path = write(tmp_path, shop(1, "a@example.com", "one"), shop(2, "there@example.com", "two"), shop(3, "b", "one"))
    said = await run(path, address, "shop", "--on-conflict", "skip")
    assert "2 profiles with 6 identifiers taken over\n1 has an identifier that others hold" in said.told


async def test_no_value_is_told(address: str, tmp_path: Path) -> None:
    path = write(tmp_path, held(1, f"{CANARY}@example.com"), held(2, f"{CANARY}@example.com"), held(3, f"{CANARY}\n"))
    for options in ((), ("--on-conflict", "skip"), ("--skip-faults",)):
        said = await run(path, address, "silent", *options)
        assert CANARY not in said.told + said.error
