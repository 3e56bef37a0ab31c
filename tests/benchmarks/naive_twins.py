"""The reference model and the naive peer, told the same calls."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg
from benchmarks.peers import naive_database
from benchmarks.peers.naive_database import Partition, partition

from tests.model.model import Model
from tests.model.presets import preset
from tests.model.records import Answer, Call, Identifier, Kind, Outcome

WORKSPACE = "test"
OUTCOMES = {Outcome.CREATED: 1, Outcome.MATCHED: 2, Outcome.MERGED: 3}
TYPES = ("user_id", "user_id", "email", "email", "device", "device", "anonymous_id", "phone")

# Answers a call by the naive peer: profile id and outcome.
Resolve: TypeAlias = Callable[[tuple[Identifier, ...]], Awaitable[tuple[int, int]]]


class Twins:
    """The model and the naive peer; profile ids are the model's ordinals.

    Args:
        connection: reads the naive peer's tables.
        resolve: calls the naive peer, one way or another.
        max_merges: the model's limit.
        max_identifiers: the model's limit; 0 is none.
    """

    def __init__(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        resolve: Resolve,
        max_merges: int = 100,
        max_identifiers: int = 0,
    ) -> None:
        policy: dict[str, Any] = preset("identity_graph_rules") | {
            "merge": {"max_merges": max_merges, "max_identifiers": max_identifiers}
        }
        self.model = Model(policy)
        self._connection = connection
        self._resolve = resolve

    async def call(self, identifiers: tuple[Identifier, ...]) -> None:
        answer = self.model.call(Call(Kind.IDENTIFY, identifiers))
        assert isinstance(answer, Answer)
        assert await self._resolve(identifiers) == (answer.profile, OUTCOMES[answer.outcome])

    async def same_partition(self) -> None:
        assert await naive_database.read_partition(self._connection) == model_partition(self.model)
        rows = await self._connection.fetch("SELECT profile_id, merges, merged_into FROM profiles ORDER BY 1")
        model = [(one.ordinal, one.merges, one.merged_into or None) for one in self.model.state.profiles.values()]
        live = [(row[0], row[1]) for row in rows if row[2] is None]
        assert live == [(ordinal, merges) for ordinal, merges, merged_into in model if merged_into is None]
        assert len(rows) == len(model)


def model_partition(model: Model) -> Partition:
    """Tell which identifiers belong together in the model."""
    return partition((one.ordinal, (WORKSPACE, *key)) for one in model.state.live() for key in one.held)
