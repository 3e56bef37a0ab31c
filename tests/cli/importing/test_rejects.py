"""The file of rejects: whole, in the order of what was given, and never one that is read."""

import csv
import json
import os
from pathlib import Path

import pytest

from tests.cli.importing.helping import line, rejects_of, say, write
from utterson.cli.importing.columns import column_map
from utterson.cli.importing.outputs import OutputFile
from utterson.cli.importing.records import Record
from utterson.cli.importing.sources import Source

POLICY = (
    "identifier_types:\n- {name: user_id, limit: {max_values: 1}}\n- {name: email, normalization: EMAIL}\nmerge: {}\n"
)


def check(folder: Path, given: Path, *options: str) -> tuple[Path, str]:
    """Check a file or folder; answer its rejects, and what was said."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    rejects = folder / "rejects"
    said = say(str(given), "--check", "--policy", str(policy), "--rejects", str(rejects), *options)
    return rejects, said.told + said.error


def rows(path: Path) -> list[dict[str, str]]:
    """Read rejects in CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def records(path: Path) -> list[Record]:
    """Read a table of persons."""
    return list(Source(str(path), columns=column_map(None, ["user_id=user_id", "email=email"])).records())


@pytest.mark.parametrize("option", ["--rejects", "--profile-ids"])
@pytest.mark.parametrize("link", [False, True])
def test_what_is_read_is_not_written_over(option: str, link: bool, tmp_path: Path) -> None:
    path = write(tmp_path, line(1))
    before = path.read_bytes()
    named = path
    if link:
        named = tmp_path / "other.jsonl"
        named.hardlink_to(path)
    for words in ((), ("--check",)):
        said = say(str(path), "--workspace", "nobody", "--address", "127.0.0.1:1", option, str(named), *words)
        assert said.error == f"{named}: is one of the files that are read: it would be lost; name another one"
    assert path.read_bytes() == before


def test_the_ids_and_the_rejects_are_two_files(tmp_path: Path) -> None:
    path, both = write(tmp_path, line(1)), str(tmp_path / "both")
    said = say(str(path), "--workspace", "w", "--rejects", both, "--profile-ids", both)
    assert "is named twice" in said.error


def test_a_file_is_written_whole_at_a_fault_too(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old", encoding="utf-8")
    file = OutputFile(path)
    file.text.write("new")
    assert path.read_text(encoding="utf-8") == "old"
    with pytest.raises(KeyError), file:
        raise KeyError
    assert path.read_text(encoding="utf-8") == "new"
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208


QUOTES = {
    "open": '2,"2@example.com',
    "open and closed later": '2,"2@example.com\n3,3@example.com\n4,"4@example.com"',
    "within a cell": '2,"a" b',
    "one too few": "2",
    "one too many": "2,b,c",
}


@pytest.mark.parametrize("name", QUOTES)
def test_a_row_that_is_none_costs_no_other(name: str, tmp_path: Path) -> None:
    text = QUOTES[name]
    path = tmp_path / "people.csv"
    path.write_text(f"user_id,email\n1,1@example.com\n{text}\n5,5@example.com\n6,6@example.com\n", encoding="utf-8")
    found = records(path)
    assert [one.line for one in found if one.is_faulty] == [3]
    assert [one.line for one in found] == list(range(2, text.count("\n") + 6))
    rejects, told = check(tmp_path, path, "--column", "user_id=user_id", "--column", "email=email")
    assert "1 line is at fault" in told
    (row,) = rows(rejects)
    assert (row["user_id"], row["email"], row["rejected_row"]) == ("", "", text.partition("\n")[0])
    assert row["reason"].startswith("line 3: ")
    again = tmp_path / "again.csv"
    rejects.rename(again)
    (record,) = records(again)
    assert record.is_faulty
    rejects, _ = check(tmp_path, again, "--column", "user_id=user_id", "--column", "email=email")
    assert rows(rejects)[0]["rejected_row"] == text.partition("\n")[0]


def test_a_huge_cell_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"user_id,email\n1,{'x' * 200_000}\n2,{'x' * 2_000_000}\n3,c\n", encoding="utf-8")
    first, second, third = records(path)
    assert not first.findings
    assert second.told(second.findings[0]) == "line 3: has a cell of more than 1 MiB"
    assert not third.findings


def test_rejects_of_several_tables_keep_their_columns(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "a.csv").write_text("user_id,email,plan\n1,,gold\n,,silver\n", encoding="utf-8")
    (folder / "b.csv").write_text("email,user_id,town\n,1,Soho\n,,Soho\n", encoding="utf-8")
    rejects, _ = check(tmp_path, folder, "--column", "user_id=user_id", "--column", "email=email")
    told = [(row["user_id"], row["email"], row["plan"], row["town"]) for row in rows(rejects)]
    assert told == [("", "", "silver", ""), ("1", "", "", "Soho"), ("", "", "", "Soho")]


def test_rejects_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    bad = line(9, merges=-1)
    path = write(tmp_path, line(1), bad, line(1), line(2, create_time="2020-01-01T00:00:00Z"), bad)
    rejects, _ = check(tmp_path, path)
    assert [str(one["reason"]).partition(",")[0].partition(":")[0] for one in rejects_of(rejects)] == [
        "line 2",
        "doubt",
        "doubt",
        "line 5",
    ]


def test_an_old_reason_is_replaced(tmp_path: Path) -> None:
    bad = '{"reason": "old", "identifiers": [], "traits": {"reason": "mine", "n": 1.00}}'
    rejects, _ = check(tmp_path, write(tmp_path, bad))
    text = rejects.read_text(encoding="utf-8")
    assert '"old"' not in text
    assert '"traits": {"reason": "mine", "n": 1.00}' in text
    assert json.loads(text)["reason"].startswith("line 1, identifiers: needs")
    table = tmp_path / "table.csv"
    table.write_text("user_id,reason,email\n,old,\n", encoding="utf-8")
    rejects, _ = check(tmp_path, table, "--column", "user_id=user_id", "--column", "email=email")
    assert rejects.read_text(encoding="utf-8").splitlines()[0] == "user_id,email,reason"
    assert "old" not in rejects.read_text(encoding="utf-8")
