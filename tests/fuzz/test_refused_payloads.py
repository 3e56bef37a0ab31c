"""An entry whose payload was spoilt: it is refused, and the state is as before or of no use, or nothing is lost."""

import os
import random
from contextlib import suppress

import pytest

from tests.agreement.loading import load
from tests.agreement.twin import LogRow, Tables
from tests.model.generate import START_US
from utterson import _core
from utterson.v1 import identifier_pb2
from utterson.v1 import identity_service_pb2 as pb

WORKSPACE = "soho"
KEYS = (bytes(range(16)), bytes(16))
IDENTIFY = 1
ENTRIES = 6
SPOILT = 400
REFUSED = (_core.StateDivergedError, _core.FormatUnknownError)


def tables() -> Tables:
    checked = _core.preset_policy("unify")
    assert checked is not None
    return Tables(LogRow(0, bytes(15) + b"\1", bytes(16), 1, START_US, bytes(48), b""), checked.policy)


def written(chance: random.Random) -> list[LogRow]:
    """Some entries that a server wrote: merges, traits and used ids among them."""
    twin = tables()
    state = load(twin, WORKSPACE, KEYS, chance)
    rows = []
    for number in range(ENTRIES):
        of = ("email", f"{number // 2}@example.com"), ("user_id", f"u{number // 3}"), ("device", f"d{number % 4}")
        request = pb.IdentifyRequest(
            workspace=WORKSPACE,
            identifiers=[identifier_pb2.Identifier(type=name, value=value) for name, value in of],
            request_id=f"request {number}",
        )
        request.traits.update({"number": number})
        group = _core.parse_call(IDENTIFY, request.SerializeToString())
        assert isinstance(group, _core.CallGroup)
        plan = state.decide([group], START_US + number * 1_000_000, chance.randbytes(16))
        rows.append(twin.commit(plan))
        state.apply(plan)
    return rows


def spoilt(payload: bytes, chance: random.Random) -> bytes:
    changed = bytearray(payload)
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                del changed[place : place + chance.randint(1, 8)]
            case _:
                changed[place : place + chance.randint(1, 8)] = bytes(chance.randint(1, 8))
        if not changed:
            break
    return bytes(changed)


def test_after_a_refusal_the_state_is_as_before_or_of_no_use() -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    print(f"repeat with FUZZ_SEED={seed}")
    chance = random.Random(seed)
    rows, genesis = written(chance), tables()
    refused = 0
    for _ in range(SPOILT):
        state = load(genesis, WORKSPACE, KEYS, chance)
        *earlier, last = rows[: chance.randint(1, len(rows))]
        for row in earlier:
            state.replay(*row)
        before = state.head, state.state_hash, state.policy
        try:
            state.replay(*last[:-1], spoilt(last.payload, chance))
        except REFUSED:
            refused += 1
            with suppress(_core.StateDivergedError):
                assert (state.head, state.state_hash, state.policy) == before
                state.replay(*last)
                assert (state.head, state.state_hash) == ((last.seq, last.id), last.state_hash)
        else:
            assert (state.head, state.state_hash) == ((last.seq, last.id), last.state_hash)
    assert refused > SPOILT * 0.9


def test_a_state_that_an_entry_broke_is_of_no_use() -> None:
    chance = random.Random(1)
    first, second, *_ = written(chance)
    state = load(tables(), WORKSPACE, KEYS, chance)
    # A good payload of another entry: only the hash tells.
    with pytest.raises(_core.StateDivergedError):
        state.replay(*first[:-1], second.payload)
    with pytest.raises(_core.StateDivergedError):
        state.replay(*first)
    with pytest.raises(_core.StateDivergedError):
        _ = state.head
