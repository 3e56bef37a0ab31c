"""What is told of files that are none of those that are read, and of numbers that would lose digits."""

import codecs
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.importing.helping import say, write
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.records import ImportFileError, LineError
from utterson.cli.importing.sources import Source
from utterson.cli.importing.strict_json import read_object

OTHERS = {
    "book.xlsx": (b"PK\x03\x04" + bytes(9), "is a zip archive or a workbook: unpack it"),
    "wide.jsonl": (codecs.BOM_UTF32_LE + "{}".encode("utf-32-le"), "is UTF-32: save it as UTF-8"),
    "broken.parquet": (b"hello", "is no Parquet file, or a damaged one"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_kind_of_file_is_told(name: str, tmp_path: Path) -> None:
    content, told = OTHERS[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportFileError, match=told):
        list(Source(str(path)).records())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"\0\0\0", "holds bytes that are 0"),
        (b'{"a": 1}\0', "holds bytes that are 0"),
        ('{"a": 1'.encode("utf-16-be"), "looks like UTF-16"),
        (b'{"a": 9007199254740993.0}', "would lose digits"),
        (b'{"a": 12345678901234567890e0}', "would lose digits"),
        (b'{"a": 90071992547409930e-1}', "would lose digits"),
    ],
)
def test_what_is_wrong_is_told_as_what_it_is(line: bytes, told: str) -> None:
    with pytest.raises(LineError, match=told):
        read_object(line)


def test_numbers_that_lose_nothing_are_read() -> None:
    assert read_object(b'{"a": 1e22, "b": 1e23, "c": 1.00000000000000000001, "d": 9007199254740994.0, "e": -0.0}')


def test_one_is_told_as_one_and_a_stop_says_what_is_in(tmp_path: Path) -> None:
    progress = ImportProgress(Console(quiet=True), 0, lambda: 0.0)
    progress.advance(1, 1, 0)
    assert progress.summary().startswith("1 profile with 1 identifier taken over\n")
    assert progress.stopped() == "stopped; 1 profile is in: give the file again whole"
    progress.advance(1, 1, 0)
    assert progress.stopped() == "stopped; 2 profiles are in: give the file again whole"
    policy = write(tmp_path, "merge: {}", name="policy.yaml")
    said = say(str(write(tmp_path, "{}")), "--check", "--policy", str(policy))
    assert "1 line with 0 identifiers read, none sent: 1 at fault, 0 doubts" in said.told
