"""C1 and C2 on values of all kinds: what the extension compares, or finds invalid, and why, is what the model does."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.agreement.loading import load
from tests.agreement.messages import policy_message
from tests.agreement.twin import LogRow, Tables
from tests.model import dirt
from tests.model.generate import START_US
from tests.model.hits import Hits
from tests.model.policy_reader import read_policy
from tests.model.unicode_data import tables
from tests.model.values import read_item
from tests.store.array_format import decode_columns
from utterson import _core
from utterson.v1.identifier_pb2 import DISPOSITION_INVALID, Identifier, InvalidReason
from utterson.v1.identity_service_pb2 import BatchResolveRequest, Call, IdentifyRequest
from utterson.v1.resolution_pb2 import Resolution

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
CHECKED = read_policy(POLICY)
BATCH = 1000
SEPARATORS = (" ", "-", "(", ")", ".", ".", "/", "\u2013", "\u00a0", "\uff0d", ",", "_")


def texts(source: Random, count: int) -> list[tuple[str, str]]:
    """Values of characters that normalising changes, refuses or must leave alone."""
    known = tables()
    changing = [*known.fold, *known.lower]
    pools: list[list[int] | range] = [
        changing,
        range(0x20, 0x7F),
        range(0x300, 0x370),
        [*known.points["white_space"], 0x3A3, 0x130, 0xAD, 0x200B, 0xFEFF, 0x1160, 0xAC00],
        # Joiners, and what they join: Arabic, Devanagari, emoji.
        [0x200C, 0x200D, 0x200C, 0x200D, 0x639, 0x631, 0x64B, 0x6CC, 0x94D, 0x915, 0x1F469, 0x2764, 0xFE0F, 0x1F525],
        # What domains are made of: dots of all kinds, deviations, digits, letters from right to left.
        [0x2E, 0x3002, 0x2024, 0xDF, 0x1E9E, 0x3C2, 0x5D0, 0x661, 0x31, 0x2D, 0x40, 0xFF20, 0x78],
        range(0x110000),
    ]
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        points = [source.choice(source.choice(pools)) for _ in range(source.choice((1, 2, 3, 5, 8)))]
        value = "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000 and point)
        if source.random() < 0.2:
            value = source.choice((*dirt.TEXTS, *dirt.EMAILS)) + source.choice(("", value))
        elif source.random() < 0.2:
            value = "a@" + value
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
        often = source.choice((0.0, 0.15, 0.15, 0.4))
        marks = "".join(digit + (source.choice(SEPARATORS) if source.random() < often else "") for digit in digits)
        ending = source.choice(("", "", "", "", "", ".0", ".00", " ext. 12", "x7", "#3", ";ext=4"))
        type_name = source.choice(("abroad", *(f"in.{region.lower()}" for region in REGIONS)))
        written = source.choice(prefixes) + marks + ending
        if source.random() < 0.2:
            written = source.choice(dirt.phones(source.choice(REGIONS)))
        pairs.append((type_name, written))
    return pairs


def workspace(source: Random) -> _core.State:
    """An empty workspace with one type for each way of normalising."""
    checked = _core.check_policy(policy_message(POLICY).SerializeToString())
    genesis = LogRow(0, source.randbytes(16), bytes(16), 1, START_US, bytes(48), b"")
    return load(Tables(genesis, checked.policy), "soho", (bytes(16), bytes(16)), source)


def core_values(state: _core.State, pairs: list[tuple[str, str]]) -> list[str | tuple[str]]:
    """What the extension compares for each value; for an invalid one the reason, alone in a tuple."""
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
    found: list[str | tuple[str]] = []
    for pair, one in zip(pairs, answers, strict=True):
        assert isinstance(one, bytes), pair
        result = Resolution.FromString(one).identifiers[0]
        is_invalid = result.disposition == DISPOSITION_INVALID
        reason = InvalidReason.Name(result.invalid_reason).removeprefix("INVALID_REASON_")
        kept = read_item(CHECKED, *pair, Hits()).told
        found.append((reason,) if is_invalid else normal[pair[0], kept])
    return found


def model_value(type_name: str, value: str) -> str | tuple[str]:
    """What the model compares; for an invalid value the reason, alone in a tuple."""
    item = read_item(CHECKED, type_name, value, Hits())
    return item.value if item.invalid is None else (item.invalid.name,)


@pytest.mark.parametrize(("kind", "count"), [("texts", 30_000), ("phones", 15_000)])
def test_values(kind: str, count: int) -> None:
    """Every value is compared in the same form, or invalid for the same reason, in both."""
    source = Random(kind)
    state = workspace(source)
    pairs = list(dict.fromkeys({"texts": texts, "phones": phones}[kind](source, count)))
    accepted = 0
    for start in range(0, len(pairs), BATCH):
        batch = pairs[start : start + BATCH]
        expected = [model_value(*pair) for pair in batch]
        # Of two raw forms of one value only the first is attached.
        first: dict[tuple[str, str | tuple[str]], int] = {}
        for place, ((type_name, _), value) in enumerate(zip(batch, expected, strict=True)):
            first.setdefault((type_name, value), place)
        chosen = [
            place
            for place, value in enumerate(expected)
            if isinstance(value, tuple) or first[batch[place][0], value] == place
        ]
        given = core_values(state, [batch[place] for place in chosen])
        for place, found in zip(chosen, given, strict=True):
            assert found == expected[place], f"{batch[place]!a}: {expected[place]!a} | {found!a}"
        accepted += sum(isinstance(value, str) for value in expected)
    assert len(pairs) // 10 < accepted < len(pairs)
