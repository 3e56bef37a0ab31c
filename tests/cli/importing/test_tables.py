"""Tables: CSV of any dialect, Parquet, columns by name; folders and patterns as one import."""

import csv
import gzip
import io
import sys
from pathlib import Path

import duckdb
import pytest

from tests.cli.importing.helping import FIELD, line, run, write
from utterson.cli.importing.columns import column_map
from utterson.cli.importing.packing import zstd_module
from utterson.cli.importing.records import ImportFileError, Record
from utterson.cli.importing.sources import Source
from utterson.client import UttersonClient
from utterson.v1 import workspace_service_pb2 as pb

zstd = zstd_module()
COLUMNS = ("user_id=Id", "email=E-Mail:email", "create_time=Since", "merges=Joined")
HEADER = "Id,E-Mail,Since,Joined,Plan"
ROW = "7,ann@example.com,2024-05-01T12:00:00Z,2,gold"


def records(path: Path, *columns: str, mapping: Path | None = None) -> list[Record]:
    """Read a table."""
    return list(Source(str(path), columns=column_map(mapping, columns)).records())


def message(record: Record) -> pb.ImportedProfile:
    """Take the profile of a record."""
    assert record.encoded, record.findings
    return record.profile()


def told(profile: pb.ImportedProfile) -> tuple[list[tuple[str, str]], dict[str, object], str, int]:
    """Tell a profile in plain values."""
    pairs = [(one.type, one.value) for one in profile.identifiers]
    return pairs, dict(profile.traits), profile.create_time.ToJsonString(), profile.merges


WHOLE = ([("user_id", "7"), ("email", "ann@example.com")], {"Plan": "gold"}, "2024-05-01T12:00:00Z", 2)

FILES = {
    "commas": f"{HEADER}\n{ROW}\n".encode(),
    "semicolons": f"{HEADER}\n{ROW}\n".replace(",", ";").encode(),
    "tabs": f"{HEADER}\n{ROW}\n".replace(",", "\t").encode(),
    "CRLF and its mark": f"{HEADER}\r\n{ROW}\r\n".encode("utf-8-sig"),
    "UTF-16": f"{HEADER}\r\n{ROW}\r\n".encode("utf-16"),
    "quotes": f'{HEADER}\n"7","ann@example.com","2024-05-01T12:00:00Z","2","gold"\n'.encode(),
    "gzip": gzip.compress(f"{HEADER}\n{ROW}\n".encode()),
    "zstd": zstd.compress(f"{HEADER}\n{ROW}\n".encode()),
    "an empty line at the end": f"{HEADER}\n{ROW}\n\n".encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_a_table_of_any_dialect(name: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(FILES[name])
    (record,) = records(path, *COLUMNS)
    assert told(message(record)) == WHOLE
    assert record.line == 2


def test_empty_cells_are_absent_and_lines_of_a_cell_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f'{HEADER}\n7,,,,"a\nb"\n8,b@example.com,,,\n', encoding="utf-8")
    first, second = records(path, *COLUMNS)
    assert told(message(first))[:2] == ([("user_id", "7")], {"Plan": "a\nb"})
    assert (first.line, second.line) == (2, 4)


DIRTY: dict[str, tuple[str | bytes, str]] = {
    "too few cells": ("1,b\n", "line 3: has another number of cells than the header"),
    "a quote that is not closed": ('1,"b,,,\n', "line 3: is not CSV: a quote"),
    "Latin-1": (b"1,Zo\xeb,,,\n", "line 3, column 5: is not UTF-8"),
    "no time": ("1,b,yesterday,,\n", "line 3, create_time: must be a time with its zone"),
    "no number": ("1,b,,many,\n", "line 3, merges: must be a whole number"),
    "nobody": (",,,,gold\n", "line 3, identifiers: needs at least one identifier"),
}


@pytest.mark.parametrize("name", DIRTY)
def test_a_row_at_fault_is_named(name: str, tmp_path: Path) -> None:
    text, wanted = DIRTY[name]
    path = tmp_path / "people.csv"
    path.write_bytes(f"{HEADER}\n{ROW}\n".encode() + (text if isinstance(text, bytes) else text.encode()))
    good, bad = records(path, *COLUMNS)
    assert not good.findings
    assert bad.told(bad.findings[0]).startswith(wanted)


def test_columns_that_are_not_there_are_told(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADER}\n{ROW}\n", encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"^line 1: there is no column Mail; its columns: Id, E-Mail, Since, Joi"):
        records(path, "email=Mail")
    path.write_text("a,a\n1,2\n", encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"^line 1: names a column twice\. Nothing is taken over of people\.csv"):
        records(path, "email=a")
    path.write_bytes(gzip.compress(f"{HEADER}\n{ROW}\n".encode())[:9])
    with pytest.raises(ImportFileError, match=r"^line 1: the packed file is damaged"):
        records(path, "email=E-Mail")


@pytest.mark.parametrize(
    "text",
    [
        "identifiers: {user_id: Id, email: [E-Mail, Second]}\ntraits: {plan: Plan}\n"
        "create_time: Since\nmerges: Joined\n",
        '{"identifiers": {"user_id": "Id", "email": ["E-Mail", "Second"]}, "traits": {"plan": "Plan"},'
        ' "create_time": "Since", "merges": "Joined"}',
    ],
)
def test_a_file_says_which_column_is_what(text: str, tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(text, encoding="utf-8")
    path = tmp_path / "people.csv"
    path.write_text(f"{HEADER},Second,Left\n{ROW},b@example.com,x\n", encoding="utf-8")
    (record,) = records(path, mapping=mapping)
    assert told(message(record)) == ([*WHOLE[0], ("email", "b@example.com")], {"plan": "gold"}, *WHOLE[2:])


@pytest.mark.parametrize("text", ["[]", "identifiers: [email]", "mail: E-Mail", "{", "identifiers: {email: 1}"])
def test_what_is_no_map_is_one_sentence(text: str, tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFileError, match=r"map\.yaml"):
        column_map(mapping, [])


@pytest.mark.parametrize("option", ["email", "email=", "=x", "E-Mail=email"])
def test_what_is_no_column_is_one_sentence(option: str) -> None:
    with pytest.raises(ImportFileError):
        column_map(None, [option])


def parquet(path: Path, select: str) -> Path:
    """Write a table."""
    duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet_with_columns(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "people.parquet",
        "SELECT 7 AS Id, 'ann@example.com' AS \"E-Mail\", TIMESTAMPTZ '2024-05-01 14:00:00+02' AS Since,"
        " 2::INT AS Joined, 'gold' AS Plan, 1.5 AS Score, DATE '2024-01-02' AS Day, [1, 2] AS List,"
        " NULL::VARCHAR AS Nothing",
    )
    (record,) = records(path, *COLUMNS)
    pairs, traits, *rest = told(message(record))
    assert (pairs, *rest) == (WHOLE[0], *WHOLE[2:])
    assert {name: traits[name] for name in ("Plan", "Score", "Day")} == {
        "Plan": "gold",
        "Score": "1.5",
        "Day": "2024-01-02",
    }
    assert "Nothing" not in traits


def test_parquet_of_profiles(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "people.parquet",
        "SELECT [{'type': 'user_id', 'value': 'u' || n}] AS identifiers, {'plan': 'gold', 'none': NULL} AS traits,"
        " TIMESTAMP '2024-05-01 12:00:00' AS create_time, 0 AS merges FROM range(2500) AS r(n)",
    )
    found = records(path)
    assert [message(record).identifiers[0].value for record in found] == [f"u{number}" for number in range(2500)]
    assert told(message(found[7])) == ([("user_id", "u7")], {"plan": "gold"}, "2024-05-01T12:00:00Z", 0)


async def test_the_rejects_of_parquet_are_parquet(address: str, tmp_path: Path) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    for part in (0, 1):
        parquet(
            tmp_path / "part",
            f"SELECT 'u{part}' || n AS id, CASE n WHEN 1 THEN '' ELSE 'e{part}@example.com' || n END AS mail,"
            " n::INT AS joined, [n, 7] AS list FROM range(3) AS r(n)",
        ).rename(folder / f"part-{part}.parquet")
    rejects = folder.parent / "rejects.parquet"
    columns = ("--column", "user_id=id", "--column", "email=mail", "--column", "merges=joined")
    said = await run(folder, address, "parquet-0", "--skip-faults", "--rejects", str(rejects), *columns)
    assert (said.code, said.error) == (0, "")
    assert "6 profiles with 10 identifiers taken over" in said.told
    duckdb.connect().execute(
        f"COPY (SELECT 'u9' AS id, '@' || chr(7) AS mail, 3 AS joined) TO '{tmp_path}/bad.parquet'"
    )
    said = await run(
        tmp_path / "bad.parquet", address, "parquet-0", "--skip-faults", "--rejects", str(rejects), *columns
    )
    assert "1 is at fault" in said.told
    found = duckdb.connect().execute(f"SELECT id, joined, reason FROM '{rejects}'").fetchall()
    assert [row[:2] for row in found] == [("u9", 3)]
    assert found[0][2].startswith("line 1, identifiers[1].value: ")
    nowhere = str(tmp_path / "nowhere" / "rejects.parquet")
    said = await run(tmp_path / "bad.parquet", address, "parquet-0", "--skip-faults", "--rejects", nowhere, *columns)
    assert said.error == f"{nowhere}: No such file or directory"


def test_damaged_parquet_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(ImportFileError, match="is no Parquet file, or a damaged one"):
        records(path, "email=a")


def test_without_duckdb_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    path = tmp_path / "people.parquet"
    path.write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(ImportFileError, match=r"install utterson\[import\]"):
        records(path, "email=a")


def test_without_zstd_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "people.csv"
    path.write_bytes(FILES["zstd"])
    with pytest.raises(ImportFileError, match=r"packed by zstd: install utterson\[import\]"):
        records(path, *COLUMNS)


def test_a_folder_is_read_in_the_order_of_names_and_a_pattern_too(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write(tmp_path, line(name), name=f"{name}.jsonl")
    write(tmp_path, "never read", name="_SUCCESS")
    found = [record.where() for record in Source(str(tmp_path)).records()]
    assert found == ["a.jsonl, line 1", "b.jsonl, line 1", "c.jsonl, line 1"]
    found = [record.where() for record in Source(str(tmp_path / "[ab].jsonl")).records()]
    assert found == ["a.jsonl, line 1", "b.jsonl, line 1"]


async def test_a_table_is_imported_and_its_rejects_are_a_table(address: str, tmp_path: Path) -> None:
    path, rejects = tmp_path / "people.csv", tmp_path / "rejects.csv"
    path.write_text(f'{HEADER}\n{ROW}\n8,b\n9,"x,\ny",,,\n10,c@example.com,,,silver\n', encoding="utf-8")
    options = [word for column in COLUMNS for word in ("--column", column)]
    said = await run(path, address, "table", "--skip-faults", "--rejects", str(rejects), *options)
    assert (said.code, said.error) == (0, "")
    assert "2 profiles with 4 identifiers taken over\n2 are at fault: left out" in said.told
    header, *rows = csv.reader(io.StringIO(rejects.read_text(encoding="utf-8")))
    assert header == [*HEADER.split(","), "rejected_row", "reason"]
    assert [(row[0], row[-2]) for row in rows] == [("", "8,b"), ("9", "")]
    assert rows[0][-1] == "line 3: has another number of cells than the header"
    assert rows[1][-1].startswith("line 4, identifiers[1].value: ")
    async with UttersonClient(address) as client:
        found = await client.search("table", [("user_id", "10")])
        assert (await client.get_profile("table", found.profile_id)).profile.traits["Plan"] == "silver"


async def test_the_table_of_the_field(address: str) -> None:
    said = await run(FIELD / "contacts.csv", address, "contacts")
    assert said.error.startswith("line 1: say which columns are identifiers")
    said = await run(FIELD / "contacts.csv", address, "contacts", "--column", "email=email", "--column", "phone=phone")
    assert "1 profile with 2 identifiers taken over" in said.told
