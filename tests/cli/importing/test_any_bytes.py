"""Any bytes: whatever is given is read to records and findings, or is one sentence; nothing else is raised."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.cli.importing.helping import line
from tests.cli.importing.test_quick_lines import value
from tests.cli.importing.test_vendors import BATCH, EVENTS
from utterson.cli.importing.columns import column_map
from utterson.cli.importing.forms import FileForm
from utterson.cli.importing.packing import zstd_module
from utterson.cli.importing.records import ImportFileError
from utterson.cli.importing.sources import Source

zstd = zstd_module()
LINES = "".join(f"{line(number, traits={'name': 'Zoë', 'tags': [1, None]})}\n" for number in range(30))
TABLE = "Id;E-Mail;Since;Joined;Plan\n" + "".join(
    f'{number};e{number}@example.com;2024-05-01T12:00:00Z;1;"a ""gold"" plan"\n' for number in range(30)
)
COLUMNS = ("user_id=Id", "email=E-Mail", "create_time=Since", "merges=Joined")
ROUNDS = 150


def parquet(path: Path) -> bytes:
    """Write a table."""
    columns = "'u' || n AS Id, 'e' || n AS \"E-Mail\", '2024-05-01T12:00:00Z' AS Since, n AS Joined"
    duckdb.connect().execute(f"COPY (SELECT {columns} FROM range(99) AS r(n)) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def events(*some: object) -> bytes:
    """Write lines."""
    return "".join(f"{json.dumps(one)}\n" for one in some).encode()


KINDS: dict[str, tuple[FileForm, Callable[[Path], bytes]]] = {
    "lines": (FileForm.AUTO, lambda _: LINES.encode()),
    "lines in UTF-16": (FileForm.AUTO, lambda _: LINES.encode("utf-16")),
    "lines by gzip": (FileForm.AUTO, lambda _: gzip.compress(LINES.encode())),
    "lines by zstd": (FileForm.AUTO, lambda _: zstd.compress(LINES.encode())),
    "a table": (FileForm.CSV, lambda _: TABLE.encode()),
    "a table by gzip": (FileForm.CSV, lambda _: gzip.compress(TABLE.encode("utf-16"))),
    "Parquet": (FileForm.PARQUET, lambda folder: parquet(folder / "table.parquet")),
    "an archive": (FileForm.SEGMENT, lambda _: events(*EVENTS)),
    "batches": (FileForm.MPARTICLE, lambda _: events(BATCH, BATCH)),
}


def spoilt(chance: random.Random, whole: bytes) -> bytes:
    """Change some bytes, leave some out, put some in, or cut the end off."""
    text = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 8))):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del text[place : place + chance.choice((1, 3, 200))]
            case 2:
                text[place:place] = chance.choice(
                    (b'"', b"{", b"]", b"\xff", b"\0", b"\n", b"\\ud83d", b"9" * 400, b",")
                )
            case _:
                del text[place:]
    return bytes(text)


@pytest.mark.parametrize("name", KINDS)
def test_spoilt_files(name: str, tmp_path: Path) -> None:
    form, make = KINDS[name]
    whole = make(tmp_path)
    chance = random.Random(name)
    path = tmp_path / "given"
    columns = column_map(None, COLUMNS) if form in {FileForm.CSV, FileForm.PARQUET} else None
    assert all(record.is_sent or record.findings for record in given(path, whole, form, columns))
    for _ in range(ROUNDS):
        sentence = ""
        try:
            records = given(path, spoilt(chance, whole), form, columns)
        except ImportFileError as error:
            sentence = str(error)
        assert "\n" not in sentence
        assert sentence or all(record.is_sent or record.findings for record in records)


def given(path: Path, content: bytes, form: FileForm, columns: object) -> list:  # type: ignore[type-arg]
    """Read bytes as a file."""
    path.write_bytes(content)
    return list(Source(str(path), form, columns).records())  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [FileForm.SEGMENT, FileForm.MPARTICLE, FileForm.NDJSON])
def test_any_value_in_any_field(form: FileForm, tmp_path: Path) -> None:
    chance = random.Random(form.value)
    fields = [
        *(
            "type",
            "userId",
            "anonymousId",
            "traits",
            "context",
            "properties",
            "event",
            "name",
            "messageId",
            "timestamp",
        ),
        *("identifiers", "create_time", "merges", "user_identities", "user_attributes", "device_info", "events"),
        *("timestamp_unixtime_ms", "mp_deviceid"),
    ]
    lines = []
    for _ in range(3000):
        parts = [f'"{name}": {value(chance, 1)}' for name in chance.sample(fields, 6)]
        kind = chance.choice(("identify", "track", "group", "alias", "page"))
        lines.append("{" + ", ".join([*parts, f'"type": "{kind}"'][:: chance.choice((1, -1))]) + "}")
    records = given(tmp_path / "given", "\n".join(lines).encode(), form, None)
    assert len(records) >= len(lines) * 0.9
