"""`--check`: every fault and every doubt of the whole file, as a table and as a file; nothing is sent."""

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.importing.helping import CANARY, FIELD, line, rejects_of, run, say, write
from utterson.cli.importing import clashes
from utterson.cli.importing.clashes import ClashFinder
from utterson.cli.importing.judging import RecordJudge, policy_of_preset
from utterson.cli.importing.sources import Source
from utterson.client import CallRefused, UttersonClient

POLICY = """
identifier_types:
- {name: user_id, limit: {max_values: 1}}
- {name: email, normalization: EMAIL, blocked: [{exact: none@example.com}], limit: {max_values: 2}}
unlisted_types: IGNORE
merge: {max_merges: 3, max_identifiers: 4}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy with each of what can be in doubt."""
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def of(*pairs: tuple[str, str], **fields: object) -> str:
    """Write a profile of any identifiers."""
    return line(0, identifiers=[{"type": name, "value": value} for name, value in pairs], **fields)


LINES = [
    line(1),
    of(("user_id", "a"), ("email", f"{CANARY}@EXAMPLE.com")),
    of(("user_id", "b"), ("email", f"{CANARY}@example.com")),
    of(("user_id", "c"), ("email", "none@example.com")),
    of(("user_id", "d"), ("phone", "1")),
    of(("user_id", "e"), ("user_id", "f")),
    of(("user_id", "g"), merges=9),
    of(("user_id", "h"), create_time="2020-01-01T00:00:00Z"),
    of(("user_id", "i"), ("email", "")),
    of(("user_id", "j"), merges=-1),
    "{",
    of(*(("user_id", f"k{number}") for number in range(5))),
    of(("phone", "1")),
]
FOUND = {
    "fault": {
        "is not JSON": "11:2",
        "must be a whole number": "10",
        "must not be empty": "9",
        "every one of them is set aside": "13",
    },
    "doubt": {
        "has an identifier that an earlier line has": "3",
        "the policy blocks the value": "4",
        "the policy ignores the type": "5",
        "more values of the type": "6, 12",
        "more identifiers than": "12",
        "more merges than": "7",
        "is older than a line before it": "8",
    },
}


def test_every_fault_and_every_doubt_is_told(tmp_path: Path, policy: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    said = say(str(write(tmp_path, *LINES)), "--check", "--policy", str(policy), "--rejects", str(rejects))
    assert said.code == 1
    assert said.error == "4 lines are at fault: mend them, or leave them out by --skip-faults"
    rows = [re.split(r"\s{2,}", row.strip()) for row in said.told.splitlines()]
    kinds = [row for row in rows if row[0] in FOUND]
    assert len(kinds) == sum(map(len, FOUND.values()))
    for severity, wanted in FOUND.items():
        for what, places in wanted.items():
            assert any(row[0] == severity and row[1].startswith(what) and row[-1] == places for row in kinds), what
    assert "13 lines with 22 identifiers read, none sent: 4 at fault, 8 doubts" in said.told
    assert CANARY not in said.told
    written = rejects_of(rejects)
    assert len(written) == 11
    assert str(written[0]["reason"]).startswith("doubt: line 3: has an identifier that an earlier line has")
    assert str(written[1]["reason"]).startswith("doubt: line 4, identifiers[1]: the policy blocks the value")


def test_a_time_in_the_future_is_a_fault_where_the_policy_bounds_it(tmp_path: Path) -> None:
    policy = policy_of_preset("unify")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    path = write(tmp_path, *(line(one, create_time=f"2026-01-01T{one:02}:00:00Z") for one in range(4)))
    for tolerance_s, late in ((None, 0), (3600, 3), (0, 3)):
        policy.ClearField("future_tolerance")
        if tolerance_s is not None:
            policy.future_tolerance.FromSeconds(tolerance_s)
        records = list(Source(str(path)).records())
        RecordJudge(policy, now.timestamp()).judge(records)
        found = [record.told(finding) for record in records for finding in record.findings]
        assert [one.split(":")[0] for one in found] == [f"line {number}, create_time" for number in range(5 - late, 5)]


def test_a_clean_file_ends_well(tmp_path: Path, policy: Path) -> None:
    said = say(str(write(tmp_path, line(1), line(2))), "--check", "--policy", str(policy))
    assert (said.code, said.error) == (0, "")
    assert "2 lines with 4 identifiers read, none sent: 0 at fault, 0 doubts" in said.told


async def test_the_policy_is_asked_for_and_nothing_is_sent(address: str, tmp_path: Path) -> None:
    async with UttersonClient(address) as client:
        await client.create_workspace("asked", preset="profile_isolation")
        said = await run(
            write(tmp_path, of(("customer_id", "1"), ("customer_id", "2")), of(("user_id", "1"))),
            address,
            "asked",
            "--check",
        )
        assert said.code == 1
        assert "2 at fault" in said.told
        with pytest.raises(CallRefused, match="NO_MATCH"):
            await client.search("asked", [("customer_id", "1")])


async def test_a_workspace_that_is_not_there_yet(address: str, tmp_path: Path) -> None:
    said = await run(FIELD / "empty_emails.jsonl", address, "not-yet", "--check")
    assert "3 at fault" in said.told
    words = [str(FIELD / "empty_emails.jsonl"), "--workspace", "not-yet", "--address", address, "--check"]
    alone = await asyncio.to_thread(say, *words)
    assert alone.code == 0
    assert "is not held against a policy" in alone.told


def test_clashes_of_the_field_are_counted(policy: Path) -> None:
    said = say(str(FIELD / "one_email_many_times.jsonl"), "--check", "--policy", str(policy))
    assert said.code == 0
    assert re.search(r"doubt +has an identifier that an earlier line has.* 19 +4, 6, 8, 10, 12, …", said.told)


def test_a_damaged_file_is_read_as_far_as_it_goes(policy: Path) -> None:
    said = say(str(FIELD / "gzip_damaged.jsonl.gz"), "--check", "--policy", str(policy))
    assert said.code == 1
    assert re.search(r"fault +the packed file is damaged or cut off here.* 1 +67", said.told)
    assert "67 lines" in said.told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("merge: [", "is neither YAML nor JSON"),
        ("merge: {max_mergers: 3}", "max_mergers"),
        ("identifier_types: [{name: a}]", "policy: "),
    ],
)
def test_what_is_no_policy_is_one_sentence(tmp_path: Path, text: str, told: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(text, encoding="utf-8")
    said = say(str(write(tmp_path, line(1))), "--check", "--policy", str(policy))
    assert said.code == 1
    assert told in said.error


def test_options_that_do_not_fit_are_one_sentence(tmp_path: Path, policy: Path) -> None:
    path = str(write(tmp_path, line(1)))
    assert say(path, "--check").error.startswith("name the workspace by --workspace")
    assert say(path, "--policy", str(policy), "--workspace", "w").error.startswith("--policy judges what --check reads")


def test_clashes_are_found_in_memory_and_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    for part_bytes in (64, 1 << 20):
        monkeypatch.setattr(clashes, "_PART_BYTES", part_bytes)
        with ClashFinder() as finder:
            for place in range(5000):
                finder.add((place % 4000).to_bytes(2, "little") + bytes(14), place)
            assert sorted(finder.clashes()) == [(4000 + number, number) for number in range(1000)]
