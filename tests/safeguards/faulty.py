"""What is put in the place of a safeguard: by the kit that takes it out, and by the bugs that are seeded."""

from typing import Any

import asyncpg

from utterson.application.lane.committer import Committer
from utterson.application.lane.resolving import Resolving
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.lane.turn_runner import TurnRunner, _Step
from utterson.application.lane.waiting import fail
from utterson.domain.chain import Commit, CommitOutcome
from utterson.domain.errors import Reason, UttersonError

_concluded = TurnRunner._concluded
_transaction = asyncpg.connection.Connection.transaction


async def unconfirmed(self: TurnRunner, operation: object) -> _Step:
    return _Step.DONE


async def guessed_committed(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
    return CommitOutcome.OK


async def guessed_lost(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
    return CommitOutcome.LOST


async def any_entry_is_mine(self: Committer, commit: Commit, deadline_s: float) -> CommitOutcome | None:
    found = await self._log.entry_id(commit.keys, commit.seq)
    return None if found is None else CommitOutcome.OK


def lost_is_done(self: TurnRunner, outcome: CommitOutcome, plan: Any, asked_at_s: float) -> _Step:
    return _Step.DONE if outcome is CommitOutcome.LOST else _concluded(self, outcome, plan, asked_at_s)


def kept(self: StateKeeper, why: object) -> None:
    return None


async def all_refused(self: Resolving, live: Any, error: Exception) -> None:
    fail(live, UttersonError(Reason.INTERNAL_FAULT, "refused"))


def each_statement_sees_another_moment(self: Any, **_options: object) -> Any:
    return _transaction(self, isolation="read_committed")
