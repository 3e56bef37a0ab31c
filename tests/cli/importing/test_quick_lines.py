"""The quick reader of lines takes what the careful one takes, or leaves it to that."""

import json
import random
from typing import Any

import pytest

from tests.cli.importing.helping import line
from utterson.cli.importing.profiles import profile_message
from utterson.cli.importing.records import LineError
from utterson.cli.importing.strict_json import read_object
from utterson.engine.judge import read_profile_lines
from utterson.v1 import workspace_service_pb2 as pb

TIMES = (
    "2024-05-01T12:00:00Z",
    "2024-02-29T23:59:59.5+02:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-00:30",
    "1969-12-31T23:59:59.000001-11:45",
    "2023-02-29T00:00:00Z",
    "2024-05-01",
    "2024-05-01T12:00:00",
    "2024-05-01 12:00:00Z",
    "2024-05-01T12:00:00.1234567Z",
    "20240501T120000Z",
    "2024-W18-3T12:00:00Z",
    None,
    7,
)
NUMBERS = (
    "0",
    "-0",
    "1",
    "-1.5",
    "1e3",
    "1E-7",
    "0.1",
    "1e400",
    "9007199254740992",
    "9007199254740993",
    "1e20",
    "5e-324",
)
TEXTS = (
    '""',
    '"a"',
    '"Zo\u00eb"',
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    '"\\u0000"',
    '"\\u0061"',
    '"\t"',
    '"\\/"',
    '"x\\n"',
)
WORDS = ("null", "true", "false", "NaN", "[]", "{}", "[1,]", "tru")


def value(chance: random.Random, depth: int) -> str:
    """Write any value of JSON, or what is nearly one."""
    if depth < 28 and chance.random() < 0.3:
        inner = [value(chance, depth + chance.choice((1, 9))) for _ in range(chance.randrange(3))]
        if chance.random() < 0.5:
            return f"[{', '.join(inner)}]"
        return "{" + ", ".join(f"{chance.choice(TEXTS)}: {one}" for one in inner) + "}"
    return chance.choice(chance.choice((NUMBERS, TEXTS, WORDS)))


def any_line(chance: random.Random) -> bytes:
    """Write a line that is a profile, mostly."""
    pairs = [f'{{"type": {chance.choice(TEXTS)}, "value": {chance.choice(TEXTS)}}}' for _ in range(chance.randrange(4))]
    parts = [f'"identifiers": [{", ".join(pairs)}]']
    if chance.random() < 0.7:
        parts.append(f'"traits": {{"a": {value(chance, 1)}, "b": {value(chance, 1)}}}')
    if chance.random() < 0.5:
        parts.append(f'"create_time": {json.dumps(chance.choice(TIMES))}')
    if chance.random() < 0.3:
        parts.append(f'"merges": {chance.choice((*NUMBERS, "null", "true"))}')
    if chance.random() < 0.1:
        parts.append(chance.choice(parts))
    chance.shuffle(parts)
    text = "{" + ", ".join(parts) + "}"
    if chance.random() < 0.05:
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice('{}[]",x ') + text[place + 1 :]
    return text.encode() + chance.choice((b"\n", b"\r\n", b"", b" \n"))


def carefully(text: bytes) -> pb.ImportedProfile | None:
    """Read a line with care; None where it is at fault."""
    try:
        return profile_message(read_object(text))
    except LineError:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_both_readers_say_the_same(seed: int) -> None:
    chance = random.Random(seed)
    lines = [any_line(chance) for _ in range(5000)]
    quick = 0
    for text, read in zip(lines, read_profile_lines(lines), strict=True):
        if read is None:
            continue
        quick += 1
        encoded, identifiers = read
        profile = pb.ImportedProfile.FromString(encoded)
        assert profile == carefully(text), text
        assert identifiers == len(profile.identifiers)
    assert quick > 300


def test_ordinary_lines_are_read_at_once() -> None:
    traits: dict[str, Any] = {
        "plan": "gold",
        "age": 7,
        "share": 0.5,
        "vip": True,
        "none": None,
        "tags": ["a", {"b": 1}],
    }
    fields: tuple[dict[str, Any], ...] = (
        {},
        {"traits": traits},
        {"merges": 2},
        {"create_time": "2024-05-01T12:00:00.25+02:00"},
    )
    lines = [line("Zoë", **one).encode() for one in fields]
    assert all(read_profile_lines(lines))
