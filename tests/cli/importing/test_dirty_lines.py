"""Any bytes: each fault is a sentence with its line, and its column where it has one; never a traceback or a value."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.importing.helping import CANARY, FIELD, line
from utterson.cli.importing.columns import column_map
from utterson.cli.importing.packing import LINE_BYTES_MAX, zstd_module
from utterson.cli.importing.records import ImportFileError
from utterson.cli.importing.sources import Source

zstd = zstd_module()
GOOD = line(0).encode()
ID = '{"identifiers": [{"type": "user_id", "value": "u"}]'


def found(path: Path, *columns: str) -> list[str]:
    """Read a file; tell each finding."""
    source = Source(str(path), columns=column_map(None, columns))
    return [record.told(finding) for record in source.records() for finding in record.findings]


OF_THE_FIELD = {
    "gzip_damaged.jsonl.gz": "line 67: the packed file is damaged or cut off here",
    "contacts.csv": "line 1: say which columns are identifiers",
    "half_a_character_in_a_trait.jsonl": "line 2, column 72: holds half a character",
    "half_a_character_in_an_identifier.jsonl": "line 1, column 48: holds half a character",
    "number_that_loses_digits.jsonl": "line 1, column 72: is a whole number beyond 2^53",
    "number_of_400_digits.jsonl": "line 1, column 65: is a whole number beyond 2^53",
    "nested_too_deep.jsonl": "line 1, column ",
    "time_before_year_1.jsonl": "line 1, create_time: must be a time from the year 1",
    "one_email_many_times.jsonl": "",
    "empty_emails.jsonl": "",
    "half_a_character_in_line_3.jsonl": "line 3, column 72: holds half a character",
    "calls_instead_of_profiles.jsonl": "line 1: has a key that a profile has not",
}


def test_each_file_of_the_field_is_tried() -> None:
    assert {path.name for path in FIELD.iterdir()} == set(OF_THE_FIELD)


@pytest.mark.parametrize("name", OF_THE_FIELD)
def test_a_file_of_the_field(name: str) -> None:
    wanted = OF_THE_FIELD[name]
    if name == "contacts.csv":
        with pytest.raises(ImportFileError, match=f"^{wanted}"):
            found(FIELD / name)
        return
    told = found(FIELD / name)
    assert (told[0][: len(wanted)] if told else "") == wanted
    assert "ann@example.com" not in "".join(told)


def test_a_table_of_the_field_is_read_once_its_columns_are_told() -> None:
    assert found(FIELD / "contacts.csv", "email=email", "phone=phone") == []


def traits(text: str) -> bytes:
    """Write a profile with traits as they are."""
    return f'{ID}, "traits": {text}}}'.encode()


def of_time(text: object) -> bytes:
    """Write a profile with a time as it is."""
    return f'{ID}, "create_time": {json.dumps(text)}}}'.encode()


LINES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"{" + CANARY.encode(), "line 2, column 2: is not JSON"),
    "cut off": (GOOD[:-1], f"line 2, column {len(GOOD)}: is not JSON"),
    "two on one line": (GOOD + GOOD, f"line 2, column {len(GOOD) + 1}: is not JSON"),
    "a list": (b"[1]", "line 2, column 1: is no JSON object"),
    "an unknown key": (line(1, **{CANARY: 1}).encode(), "line 2: has a key that a profile has not"),
    "identifiers as a mapping": (
        line(1, identifiers={"email": CANARY}).encode(),
        "line 2, identifiers: must be a list",
    ),
    "no identifiers": (line(1, identifiers=[]).encode(), "line 2, identifiers: needs at least one"),
    "identifiers missing": (b"{}", "line 2, identifiers: must be a list"),
    "half an identifier": (line(1, identifiers=[{"type": "email"}]).encode(), "line 2, identifiers[0]: must be an obj"),
    "a number as a value": (
        line(1, identifiers=[{"type": "user_id", "value": 7}]).encode(),
        "line 2, identifiers[0]: must have texts",
    ),
    "null as a value": (
        line(1, identifiers=[{"type": "user_id", "value": None}]).encode(),
        "line 2, identifiers[0]: must have texts",
    ),
    "traits as a list": (line(1, traits=[CANARY]).encode(), "line 2, traits: must be an object"),
    "negative merges": (line(1, merges=-1).encode(), "line 2, merges: must be a whole number"),
    "merges as true": (line(1, merges=True).encode(), "line 2, merges: must be a whole number"),
    "merges as a fraction": (line(1, merges=1.5).encode(), "line 2, merges: must be a whole number"),
    "merges beyond 31 bits": (line(1, merges=2**31).encode(), "line 2, merges: must be a whole number"),
    "a low half alone": (traits(r'{"a": "\udc00"}'), "line 2, column 71: holds half"),
    "two high halves": (traits(r'{"a": "\ud83d\ud83d"}'), "line 2, column 71: holds half"),
    "half a character in a name": (traits(r'{"\ud83d": 1}'), "line 2, column 66: holds half"),
    "bytes of half a character": (traits('{"a": "')[:-1] + b'\xed\xa0\xbd"}}', "line 2, column 71: is not UTF-8"),
    "Latin-1": (traits('{"a": "Zo\xeb"}').decode().encode("latin-1"), "line 2, column 73: is not UTF-8"),
    "overlong UTF-8": (traits('{"a": "')[:-1] + b'\xc0\xaf"}}', "line 2, column 71: is not UTF-8"),
    "a key twice": (traits('{"a": 1, "b": {"a": 2}, "a": 3}'), "line 2, column 88: has a key twice"),
    "identifiers twice": (f'{ID}, "identifiers": []}}'.encode(), "line 2, column 54: has a key twice"),
    "a key twice, once escaped": (traits(r'{"a": 1, "\u0061": 3}'), "line 2, column 73: has a key twice"),
    "2^53 + 1": (traits(f'{{"a": {2**53 + 1}}}'), "line 2, column 70: is a whole number beyond 2^53"),
    "-(2^53 + 1)": (traits(f'{{"a": [{-(2**53) - 1}]}}'), "line 2, column 71: is a whole number beyond 2^53"),
    "5,000 digits": (traits('{"a": ' + "9" * 5000 + "}"), "line 2, column 70: is a whole number beyond 2^53"),
    "a double's end": (traits('{"a": 1e400}'), "line 2, column 70: is a number that no double holds"),
    "NaN": (traits('{"a": NaN}'), "line 2, column 70: is a number that no double holds"),
    "-Infinity": (traits('{"a": -Infinity}'), "line 2, column 70: is a number that no double holds"),
    "deep": (traits('{"a": ' + "[" * 30 + "]" * 30 + "}"), "line 2, column 99, traits.a: must not nest deeper"),
    "deeper than Python goes": (
        traits('{"a": ' + "[" * 99_999 + "]" * 99_999 + "}"),
        "line 2, column 100068: must not",
    ),
    "deep objects": (traits('{"a":' * 40 + "1" + "}" * 40), "line 2, column "),
    "no zone": (of_time("2024-05-01T12:00:00"), "line 2, create_time: must be a time with its zone"),
    "no time": (of_time(CANARY), "line 2, create_time: must be a time with its zone"),
    "a number as a time": (of_time(1714564800), "line 2, create_time: must be a time with its zone"),
    "the 30th of February": (of_time("2024-02-30T12:00:00Z"), "line 2, create_time: must be a time with its zone"),
    "a leap second": (of_time("2016-12-31T23:59:60Z"), "line 2, create_time: must be a time with its zone"),
    "before year 1": (of_time("0001-01-01T00:00:00+01:00"), "line 2, create_time: must be a time from the year 1"),
    "after year 9999": (of_time("9999-12-31T23:59:59-05:00"), "line 2, create_time: must be a time from the year 1"),
    "year 0": (of_time("0000-01-01T00:00:00Z"), "line 2, create_time: must be a time"),
    "year 10000": (of_time("+10000-01-01T00:00:00Z"), "line 2, create_time: must be a time from the year 1"),
    "UTF-16 without its mark": (GOOD.decode().encode("utf-16-be"), "line 2, column 1: looks like UTF-16"),
    "a control character": (traits('{"a": "\t"}'), "line 2, column 71: is not JSON"),
    "zeros": (b"\0\0\0\0", "line 2, column 1: holds bytes that are 0"),
    "a single quote": (b"{'identifiers': []}", "line 2, column 2: is not JSON"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_at_fault_is_named_without_its_values(name: str, tmp_path: Path) -> None:
    text, wanted = LINES[name]
    path = tmp_path / "profiles.jsonl"
    path.write_bytes(GOOD + b"\n" + text + b"\n" + GOOD + b"\n")
    told = found(path)
    assert told[0][: len(wanted)] == wanted
    assert CANARY not in "".join(told)


def written(encode: Callable[[str], bytes], text: str) -> bytes:
    """Write two profiles and what else stands there."""
    return encode(f"{line(1)}{text}{line(2)}{text}")


WHOLE = {
    "UTF-8 with its mark": written(lambda text: text.encode("utf-8-sig"), "\n"),
    "UTF-16": written(lambda text: text.encode("utf-16"), "\n"),
    "UTF-16, big end first": written(lambda text: b"\xfe\xff" + text.encode("utf-16-be"), "\r\n"),
    "CRLF": written(str.encode, "\r\n"),
    "empty lines": written(str.encode, "\n\n \n"),
    "no end of the last line": written(str.encode, "\n")[:-1],
    "gzip": gzip.compress(written(str.encode, "\n")),
    "gzip in two parts": gzip.compress(f"{line(1)}\n".encode()) + gzip.compress(f"{line(2)}\n".encode()),
    "zstd": zstd.compress(written(str.encode, "\r\n")),
    "gzip of UTF-16": gzip.compress(written(lambda text: text.encode("utf-16"), "\n")),
    "a pair of halves": f"{line(1, traits={'a': '😀'})}\n{line(2, traits={'a': 'ö'})}\n".encode(),
    "the last whole number": f"{line(1, traits={'a': 2**53})}\n{line(2, traits={'a': -(2**53)})}\n".encode(),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_only_written_another_way_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "profiles"
    path.write_bytes(WHOLE[name])
    records = list(Source(str(path)).records())
    assert [record.findings for record in records] == [[], []]
    assert records[1].line == (4 if name == "empty lines" else 2)


SUMMED = {int(zstd.CompressionParameter.checksum_flag): 1}
LARGE = "".join(f"{line(number)}\n" for number in range(2000)).encode()
DAMAGED = {
    "gzip cut off": gzip.compress(LARGE)[:-200],
    "gzip with a byte changed": gzip.compress(LARGE)[:3000] + b"\xff\xff\xff\xff" + gzip.compress(LARGE)[3004:],
    "gzip with another sum": gzip.compress(LARGE)[:-8] + b"\0\0\0\0" + gzip.compress(LARGE)[-4:],
    "gzip's first bytes": gzip.compress(LARGE)[:5],
    "zstd cut off": zstd.compress(LARGE)[:-200],
    "zstd with another sum": zstd.compress(LARGE, options=SUMMED)[:-4] + b"\xff\xff\xff\xff",
    "UTF-16 cut off": line(1).encode("utf-16") + b"\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "profiles"
    path.write_bytes(DAMAGED[name])
    told = found(path)
    assert all(one.startswith("line ") for one in told)
    assert ("damaged or cut off" in told[-1]) != ("is not UTF-16" in told[-1])
    if "UTF-16" not in name:
        with pytest.raises(ImportFileError, match=r"profiles, line \d+: the packed file is damaged.*Nothing is taken"):
            Source(str(path)).require_whole()


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "profiles"
    with path.open("wb") as file:
        file.truncate(LINE_BYTES_MAX + 2)
    assert found(path) == ["line 1: is longer than 64 MiB: write one record a line"]


def test_nothing_to_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="there is no file"):
        Source(str(tmp_path / "none.jsonl"))
    with pytest.raises(ImportFileError, match="there is no file"):
        Source(str(tmp_path))
