"""C1 and C2 on values of all kinds: what the extension compares, or refuses, is what the model compares or refuses."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.agreement.loading import load
from tests.agreement.messages import policy_message
from tests.agreement.twin import LogRow, Tables
from tests.model.common import read_identifier
from tests.model.generate import START_US
from tests.model.hits import Hits
from tests.model.normalise import tables
from tests.model.policy import read_policy
from tests.model.records import RefusedError
from tests.store.array_format import decode_columns
from utterson import _core
from utterson.v1.identifier_pb2 import Identifier
from utterson.v1.identity_service_pb2 import BatchResolveRequest, Call, IdentifyRequest

REGIONS = ("GB", "US", "IT", "DE", "AR", "BR", "MX", "FR", "RU", "BY", "AU", "SG", "JP")
TYPES = {"none": "NONE", "trim": "TRIM", "lower": "LOWER", "email": "EMAIL"}
POLICY: dict[str, Any] = {
    "identifier_types": [
        *({"name": name, "normalization": normalization} for name, normalization in TYPES.items()),
        {"name": "abroad", "normalization": "PHONE"},
        *({"name": f"in.{region.lower()}", "normalization": "PHONE", "region": region} for region in REGIONS),
    ],
    "merge": {},
}
BATCH = 1000


def texts(source: Random, count: int) -> list[tuple[str, str]]:
    """Values of characters that normalising changes, refuses or must leave alone."""
    known = tables()
    changing = [*known.fold, *known.lower]
    pools: list[list[int] | range] = [
        changing,
        range(0x20, 0x7F),
        range(0x300, 0x370),
        [*known.points["white_space"], 0x3A3, 0x130, 0xAD, 0x200B, 0xFEFF, 0x1160, 0xAC00],
        range(0x110000),
    ]
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        points = [source.choice(source.choice(pools)) for _ in range(source.choice((1, 2, 3, 5, 8)))]
        value = "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)
        if source.random() < 0.02:
            value *= 200
        pairs.append((source.choice(list(TYPES)), value))
    return pairs


def phones(source: Random, count: int) -> list[tuple[str, str]]:
    """Numbers of all lengths, with and without +, prefixes and what people write between the digits."""
    pairs = []
    prefixes = ("+", "+", "00", "0", "", "+44", "+1", "+39", "+375", "+54 9", "011", "tel:+", "\uff0b")
    for _ in range(count):
        digits = "".join(source.choice("0123456789") for _ in range(source.randint(1, 16)))
        marks = "".join(digit + (source.choice(" -().") if source.random() < 0.15 else "") for digit in digits)
        ending = source.choice(("", "", "", "", " ext. 12", "x7", "#3", ";ext=4"))
        type_name = source.choice(("abroad", *(f"in.{region.lower()}" for region in REGIONS)))
        pairs.append((type_name, source.choice(prefixes) + marks + ending))
    return pairs


def workspace(source: Random) -> _core.State:
    """An empty workspace with one type for each way of normalising."""
    checked = _core.check_policy(policy_message(POLICY).SerializeToString())
    genesis = LogRow(0, source.randbytes(16), bytes(16), 1, START_US, bytes(48), b"")
    return load(Tables(genesis, checked.policy), "soho", (bytes(16), bytes(16)), source)


def core_values(state: _core.State, pairs: list[tuple[str, str]]) -> list[str | None]:
    """What the extension compares for each value; None where it refuses it."""
    message = BatchResolveRequest(workspace="soho")
    for position, (type_name, value) in enumerate(pairs):
        # An identifier of its own for each call, so that none is matched and each is attached.
        both = [Identifier(type=type_name, value=value), Identifier(type="zz", value=str(position))]
        message.calls.append(Call(identify=IdentifyRequest(identifiers=both)))
    parsed = _core.parse_batch(message.SerializeToString())
    assert isinstance(parsed, _core.CallMessage)
    plan = state.decide(parsed.groups, START_US + 1, bytes(15) + b"\1")
    columns = decode_columns(plan.columns())
    normal = {(kind, raw): value for kind, value, raw in zip(*columns[12:15], strict=True)}
    answers = plan.answers(0)
    return [None if isinstance(one, _core.Fault) else normal[pair] for pair, one in zip(pairs, answers, strict=True)]


def model_value(type_name: str, value: str) -> str | None:
    """What the model compares; None where it refuses the value."""
    try:
        return read_identifier(read_policy(POLICY), type_name, value, Hits())
    except RefusedError:
        return None


@pytest.mark.parametrize(("kind", "count"), [("texts", 30_000), ("phones", 15_000)])
def test_values(kind: str, count: int) -> None:
    """Every value is compared in the same form, or refused, by both."""
    source = Random(kind)
    state = workspace(source)
    pairs = list(dict.fromkeys({"texts": texts, "phones": phones}[kind](source, count)))
    accepted = 0
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        expected = [model_value(*pair) for pair in batch]
        # Of two raw forms of one value only the first is attached.
        first: dict[tuple[str, str | None], int] = {}
        for place, ((type_name, _), value) in enumerate(zip(batch, expected, strict=True)):
            first.setdefault((type_name, value), place)
        chosen = [
            place for place, value in enumerate(expected) if value is None or first[batch[place][0], value] == place
        ]
        given = core_values(state, [batch[place] for place in chosen])
        for place, found in zip(chosen, given, strict=True):
            assert found == expected[place], f"{batch[place]!a}: {expected[place]!a} | {found!a}"
        accepted += sum(value is not None for value in expected)
    assert len(pairs) // 10 < accepted < len(pairs)
