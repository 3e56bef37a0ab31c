"""A writer that loses what it is told to, between a replica and its database."""

import asyncio
from typing import Any

import asyncpg

from utterson.domain.chain import Commit, CommitOutcome, FailureKind, StoreFailureError


class Faulty:
    """Stands between a lane and the writer, and loses what it is told to."""

    def __init__(self, commits: Any) -> None:
        self._commits = commits
        self.faults: list[str] = []
        self.sent: list[Commit] = []

    async def commit(self, commit: Commit, timeout_s: float) -> CommitOutcome:
        self.sent.append(commit)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "lose the request":
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        if fault == "overload":
            raise StoreFailureError(FailureKind.OVERLOAD, "53200")
        if fault == "late":
            asyncio.get_running_loop().call_later(0.2, asyncio.ensure_future, self._commits.commit(commit, 5.0))
            raise StoreFailureError(FailureKind.UNKNOWN, "deadline")
        outcome: CommitOutcome = await self._commits.commit(commit, timeout_s)
        if fault == "lose the answer":
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return outcome

    async def commit_locked(self, keys: Any, decide: Any, timeout_s: float) -> CommitOutcome:
        outcome: CommitOutcome = await self._commits.commit_locked(keys, decide, timeout_s)
        if self.faults and self.faults[0] == "lose the locked answer":
            self.faults.pop(0)
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return outcome


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
