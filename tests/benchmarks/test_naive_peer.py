"""The naive peer is honest: its function decides as the reference model does, guards and demotions included."""

import random

import asyncpg

from tests.benchmarks.naive_twins import TYPES, WORKSPACE, Resolve, Twins
from tests.model.hits import Branch
from tests.model.records import Identifier

# What the rules of the preset can do; each must happen, or the test shows nothing.
BRANCHES = (
    Branch.C6_DUPLICATE,
    Branch.M3_1_DEMOTED,
    Branch.M3_2_DEMOTED,
    Branch.M3_2_ABSENT_TYPE,
    Branch.M3_3_OFFENDING_NEW,
    Branch.M3_3_SEVERAL,
    Branch.M3_3_OUT_OF_SCOPE,
    Branch.M3_4_NEW,
    Branch.M4_LAST_LISTED,
    Branch.M5_VALUES,
    Branch.M6_CREATED,
    Branch.M6_MATCHED,
    Branch.M6_MERGED,
    Branch.M6_MERGED_MANY,
)
RESOLVE = "SELECT resolved, outcome FROM resolve($1, $2, $3, $4, 5, $5)"


def directly(connection: "asyncpg.Connection[asyncpg.Record]", max_merges: int, max_identifiers: int) -> Resolve:
    """Call the function itself, with these limits."""

    async def resolve(identifiers: tuple[Identifier, ...]) -> tuple[int, int]:
        types, values = [pair[0] for pair in identifiers], [pair[1] for pair in identifiers]
        row = await connection.fetchrow(RESOLVE, WORKSPACE, types, values, max_merges, max_identifiers)
        assert row is not None
        return row["resolved"], row["outcome"]

    return resolve


async def test_agrees_with_the_reference_model(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Some hundreds of random calls, with limits so small that every guard is met."""
    hits = 0
    seen: set[Branch] = set()
    for seed, (max_merges, max_identifiers) in enumerate([(100, 0), (2, 0), (100, 7), (3, 9)]):
        chance = random.Random(seed)
        await connection.execute("TRUNCATE profiles, identifiers RESTART IDENTITY")
        twins = Twins(connection, directly(connection, max_merges, max_identifiers), max_merges, max_identifiers)
        for _ in range(250):
            count = chance.choice((1, 2, 2, 3, 3, 4, 8))
            pool = chance.choice((6, 30))
            identifiers = [(chance.choice(TYPES), f"v{chance.randint(1, pool)}") for _ in range(count)]
            if chance.random() < 0.1:
                identifiers.append(identifiers[0])
            await twins.call(tuple(identifiers))
        await twins.same_partition()
        seen |= set(twins.model.hits)
        hits += sum(twins.model.hits.values())
    assert not set(BRANCHES) - seen
    assert hits > 1000


async def test_safeguards_by_hand(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The seed's own cases: one user, five values, the oldest survives; a demoted value belongs to nobody."""
    twins = Twins(connection, directly(connection, 100, 0))
    await twins.call((("user_id", "u1"), ("email", "a")))
    await twins.call((("user_id", "u2"), ("email", "b")))
    await twins.call((("user_id", "u1"), ("email", "b")))  # two users: the e-mail is demoted
    for number in range(7):
        await twins.call((("user_id", "u1"), ("device", f"d{number}")))
    await twins.call((("email", "b"), ("device", "d6")))
    await twins.call((("device", "x"), ("device", "x"), ("email", "c")))
    await twins.call((("email", "c"), ("email", "a")))  # merged into the older
    await twins.same_partition()
