"""The judgement can fail: each kind of damage is noticed."""

import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.crashes.calls import Caller
from tests.crashes.in_process import served
from tests.crashes.judging import judge
from tests.crashes.load import Client
from utterson.domain.chain import StateDivergedError

DAMAGES = {
    "an entry is gone": ["DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)"],
    "an entry in the middle is gone": ["DELETE FROM log WHERE seq = 1"],
    "an entry has another predecessor": ["UPDATE log SET prev = decode(repeat('00', 16), 'hex') WHERE seq = 2"],
    "an entry has another id": ["UPDATE log SET id = decode(repeat('00', 16), 'hex') WHERE seq = 1"],
    "an entry lost its effects": ["DELETE FROM log_payload WHERE seq = 1"],
    "a state hash differs": ["UPDATE log SET state_hash = decode(repeat('00', 48), 'hex') WHERE seq = 1"],
    "an identifier is gone": [
        "DELETE FROM identifiers WHERE digest = (SELECT digest FROM identifiers ORDER BY digest LIMIT 1)"
    ],
    "an identifier has another owner": [
        "UPDATE identifiers SET profile = (SELECT max(serial) FROM profiles)"
        " WHERE profile = (SELECT min(profile) FROM identifiers)"
    ],
    "a profile is gone": ["DELETE FROM profiles WHERE serial = (SELECT max(serial) FROM profiles)"],
    "a merge is undone": [
        "UPDATE profiles SET merged_into = 0 WHERE serial = (SELECT max(serial) FROM profiles WHERE merged_into > 0)"
    ],
    "a trait differs": ["UPDATE traits SET value = 'x' WHERE name = 'number'"],
    "an event is gone": ["DELETE FROM events WHERE seq = (SELECT min(seq) FROM events)"],
    "an event stands twice": [
        "INSERT INTO events SELECT workspace_key, profile, time_us + 1, seq, position, record FROM events LIMIT 1"
    ],
    "an event differs": ["UPDATE events SET record = ''"],
    "a request id is forgotten": [
        "DELETE FROM requests WHERE digest = (SELECT digest FROM requests ORDER BY digest LIMIT 1)"
    ],
    "a request id stands in another entry": ["UPDATE requests SET seq = seq + 1 WHERE seq = 1"],
    "an answer differs": ["UPDATE requests SET answer = (SELECT answer FROM requests ORDER BY digest DESC LIMIT 1)"],
    "history goes on after the log": ["UPDATE history SET seq = seq + 1000 WHERE seq = 1"],
}


@pytest.fixture
async def loaded(database_url: str) -> AsyncIterator[tuple[Caller, str]]:
    async with served(database_url) as address:
        caller = await _called(address)
        await judge(database_url, address, caller)
        yield caller, address


async def _called(address: str) -> Caller:
    caller = Caller(random.Random(5).getrandbits(32), "soho")
    from utterson.client import UttersonClient

    async with UttersonClient(address) as client:
        await client.create_workspace("soho", preset="identity_graph_rules")
    async with Client(address, caller) as client_of_calls:
        for _ in range(4):
            await client_of_calls.batch(caller.many(50))
    assert all(sent.acknowledged for sent in caller.sent)
    return caller


@pytest.mark.parametrize("damage", list(DAMAGES))
async def test_damage_is_noticed(loaded: tuple[Caller, str], database_url: str, damage: str) -> None:
    caller, address = loaded
    connection = await asyncpg.connect(database_url)
    for statement in DAMAGES[damage]:
        assert (await connection.execute(statement)).split()[-1] != "0", "nothing was damaged"
    await connection.close()
    with pytest.raises((AssertionError, StateDivergedError)):
        await judge(database_url, address, caller)
