"""`utterson scenarios`, and how it tells what is wrong with a file."""

import asyncio
from pathlib import Path
from textwrap import dedent

import pytest

from tests.cli.processes import free_port, run_command
from utterson.cli.policy_json import PolicyFormError, read_policy
from utterson.cli.scenarios.loader import load_scenarios
from utterson.cli.scenarios.records import ScenarioFileError
from utterson.v1 import policy_pb2

HOLDING = """\
policies:
  mine: {identifier_types: [{name: user_id, limit: {max_values: 1, window: EVER}}, {name: email}], merge: {}}
scenarios:
- id: one
  title: a first profile
  policy: mine
  given:
  - {profile: P1, identifiers: {user_id: [u1]}, merges: 7, further_identifiers: 3, created: '2020-01-01T00:00:00Z'}
  - {profile: P2, identifiers: {}}
  steps:
  - {call: search, identifiers: [{user_id: u2}], expect: {error: NOT_FOUND}, state: {P1: {user_id: [u1]}, P2: {}}}
  - call: modify
    profile: P9
    changes: [{type: email, new: e}]
    expect: {error: NOT_FOUND}
  - call: identify
    identifiers: [{user_id: u2}]
    expect: {outcome: CREATED, profile: P3}
    state: {P1: {user_id: [u1]}, P2: {}, P3: {user_id: [u2]}}
- id: two
  title: a preset's name is a policy too
  policy: unify
  steps:
  - {call: track, identifiers: [{email: e}], expect: {outcome: CREATED, profile: P1}, state: {P1: {email: [e]}}}
"""


def write(folder: Path, text: str) -> Path:
    """Write a scenario file."""
    path = folder / "scenarios.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return path


async def run_scenarios(path: Path, address: str) -> tuple[int, str, str]:
    """Run the command against a server of this process."""
    done = await asyncio.to_thread(run_command, "scenarios", str(path), "--address", address)
    return done.returncode, done.stdout, done.stderr


async def test_what_holds(address: str, tmp_path: Path) -> None:
    code, told, errors = await run_scenarios(write(tmp_path, HOLDING), address)
    assert (code, errors) == (0, "")
    assert "2 of 2 scenarios hold" in told
    assert "a first profile" in told


async def test_the_first_difference_is_told(address: str, tmp_path: Path) -> None:
    path = write(tmp_path, HOLDING.replace("P3: {user_id: [u2]}", "P3: {user_id: [u3]}"))
    code, told, _ = await run_scenarios(path, address)
    assert code == 1
    assert "1 of 2 scenarios hold" in told
    assert "step 3 (identify): P3 is {'user_id': ['u2']}" in " ".join(told.split())


async def test_a_policy_that_the_server_refuses_does_not_hold(address: str, tmp_path: Path) -> None:
    path = write(tmp_path, HOLDING.replace("merge: {}}", "}"))
    code, told, _ = await run_scenarios(path, address)
    assert code == 1
    assert "POLICY_INVALID" in told
    assert "1 of 2 scenarios hold" in told


def test_no_server_is_one_sentence(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = run_command("scenarios", str(write(tmp_path, HOLDING)), "--address", address)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"utterson: the server at {address} does not answer: ")
    assert done.stderr.count("\n") == 1


def test_a_broken_file_is_one_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, HOLDING.replace("call: modify", "call: mdify"))
    done = run_command("scenarios", str(path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"utterson: {path}: scenario one, step 2: call is 'mdify'; it must be one of ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("found", "instead", "sentence"),
    [
        ("policy: mine", "policy: other", "scenario one: there is no policy other"),
        ("outcome: CREATED, profile: P3", "outcom: CREATED", "scenario one, step 3, expect: unknown key outcom"),
        ("{email: e}", "{email: 7}", "scenario two, step 1: type and value of an entry of identifiers must be texts"),
        ("profile: P9", "profile: Hyde", "scenario one, step 2: 'Hyde' is no profile"),
        ("profile: P9", "note: x", "scenario one, step 2: a modify needs a profile"),
        ("profile: P2,", "profile: P3,", "scenario one, given 2: profiles are numbered in order of creation"),
        ("merges: 7", "merges: -7", "scenario one, given 1: merges must be a whole number"),
        ("'2020-01-01T00:00:00Z'", "soon", "scenario one, given 1: created must be a time"),
        ("error: NOT_FOUND", "error: LOST", "scenario one, step 1, expect: error is 'LOST'"),
        ("id: two", "id: one", "two scenarios have the id one"),
        ("scenarios:", "szenarios: 1\nscenarios:", "unknown key szenarios"),
        ("policies:", "policies: [", "this is no YAML"),
    ],
)
def test_a_fault_names_its_place(tmp_path: Path, found: str, instead: str, sentence: str) -> None:
    path = write(tmp_path, HOLDING.replace(found, instead, 1))
    with pytest.raises(ScenarioFileError) as refused:
        load_scenarios(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)


def test_short_and_full_enum_names_make_the_same_policy() -> None:
    short = {
        "identifierTypes": [
            {"name": "a", "normalization": "EMAIL", "limit": {"window": "DAY", "scope": "WHEN_PRESENT"}}
        ],
        "default_type": {"limit": {"on_exceeded": "DEMOTE_OFFENDING"}},
        "unlisted_types": "REJECT",
        "isolation": {"on_new_known_user": "CREATE_PROFILE", "on_logout": "IDENTIFY"},
    }
    policy = read_policy(short)
    assert policy.identifier_types[0].normalization == policy_pb2.NORMALIZATION_EMAIL
    assert policy.identifier_types[0].limit.window == policy_pb2.WINDOW_DAY
    assert policy.identifier_types[0].limit.scope == policy_pb2.LIMIT_SCOPE_WHEN_PRESENT
    assert policy.default_type.limit.on_exceeded == policy_pb2.ON_EXCEEDED_DEMOTE_OFFENDING
    assert policy.unlisted_types == policy_pb2.UNLISTED_TYPES_REJECT
    assert policy.isolation.on_new_known_user == policy_pb2.ON_NEW_KNOWN_USER_CREATE_PROFILE
    assert policy.isolation.on_logout == policy_pb2.ON_LOGOUT_IDENTIFY
    full = {"isolation": {"on_logout": "ON_LOGOUT_IDENTIFY"}, "unlisted_types": "UNLISTED_TYPES_REJECT"}
    assert read_policy(full).isolation.on_logout == policy_pb2.ON_LOGOUT_IDENTIFY


@pytest.mark.parametrize(
    "source",
    [
        ["merge"],
        {"merg": {}},
        {"unlisted_types": "SOMETIMES"},
        {"merge": {}, "isolation": {}},
        {"identifier_types": [{"name": "a", "limit": {"max_values": -1}}]},
    ],
)
def test_what_is_no_policy_is_refused(source: object) -> None:
    with pytest.raises(PolicyFormError):
        read_policy(source)
