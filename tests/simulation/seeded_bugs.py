"""Bugs that are put in on purpose: the simulation must find each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.simulation.database import Database, Safeguards
from tests.simulation.scripted_store import ScriptedStore
from utterson.application.calls.batch import CallBatch
from utterson.application.lane.committer import Committer
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lane import Lane
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.lane.turn_runner import TurnRunner, _Step
from utterson.application.lane.waiting import fail
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, Head, StoreFailureError, WorkspaceKeys
from utterson.domain.errors import Reason, UttersonError
from utterson.engine.state import Plan, State

NEXT_TURN_S = 0.05


@dataclass(frozen=True)
class SeededBug:
    """One bug: what the database lacks, and what is put in the place of the product's own.

    `seed` is one that finds it: tried first, since any change of the code may give it to another.
    """

    name: str
    seed: int
    safeguards: Safeguards = field(default_factory=Safeguards)
    patch: Callable[[pytest.MonkeyPatch], None] = lambda patch: None


def method(name: str, seed: int, owner: type, attribute: str, replacement: object) -> SeededBug:
    """Make a bug of one method."""

    def put_in(patch: pytest.MonkeyPatch) -> None:
        assert attribute in vars(owner), f"{owner.__name__} has no {attribute} any more"
        patch.setattr(owner, attribute, replacement)

    return SeededBug(name, seed, patch=put_in)


_plan_commit, _plan_apply = Plan.commit, Plan.apply
_commit, _concluded, _apply = Committer.commit, TurnRunner._concluded, TurnRunner._apply
_write, _store_commit, _drop = Database.write, ScriptedStore.commit, StateKeeper.drop
_look_up, _read = Committer._look_up, HeadReader.read
_background: dict[asyncio.Task[Any], None] = {}


def _applied_before_its_commit(self: Plan, keys: WorkspaceKeys) -> Commit:
    made = _plan_commit(self, keys)
    _plan_apply(self)
    self.apply = lambda: None  # type: ignore[method-assign]
    return made


async def _answered_before_the_commit(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
    _background[asyncio.create_task(_commit(self, commit, timeout_s))] = None
    return CommitOutcome.OK


def _applied_after_the_answer(self: TurnRunner, plan: Any, asked_at_s: float) -> None:
    asyncio.get_running_loop().call_later(NEXT_TURN_S, _apply, self, plan, asked_at_s)


async def _unconfirmed(self: TurnRunner, operation: object) -> _Step:
    return _Step.DONE


async def _guessed_committed(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
    return CommitOutcome.OK


async def _guessed_lost(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
    return CommitOutcome.LOST


async def _any_entry_is_mine(self: Committer, commit: Commit, deadline_s: float) -> CommitOutcome | None:
    found = await self._log.entry_id(commit.keys, commit.seq)
    return None if found is None else CommitOutcome.OK


def _lost_is_done(self: TurnRunner, outcome: CommitOutcome, plan: Any, asked_at_s: float) -> _Step:
    return _Step.DONE if outcome is CommitOutcome.LOST else _concluded(self, outcome, plan, asked_at_s)


async def _resent_under_another_id(self: ScriptedStore, commit: Commit, timeout_s: float) -> CommitOutcome:
    try:
        return await _store_commit(self, commit, timeout_s)
    except StoreFailureError as failure:
        if failure.kind is not FailureKind.UNKNOWN:
            raise
    other = bytes(reversed(commit.id))
    try:
        return await _store_commit(self, replace(commit, id=other), timeout_s)
    except StoreFailureError:
        return CommitOutcome.LOST


def _same_era(self: State, id_eras: object) -> State:
    return self


def _kept(self: StateKeeper, why: object) -> None:
    return None


def _never_stale(self: Lane, group: Any) -> bytes | None:
    state = self.state
    if state is None:
        return None
    return state.answer_hit(group, self._context.clock_us(), default_strong=self._default_strong)


async def _a_free_place_is_lost(self: Committer, commit: Commit, deadline_s: float) -> CommitOutcome | None:
    found = await _look_up(self, commit, deadline_s)
    return CommitOutcome.LOST if found is None else found


def _diverged_is_lost(self: TurnRunner, outcome: CommitOutcome, plan: Any, asked_at_s: float) -> _Step:
    return _Step.LOST if outcome is CommitOutcome.DIVERGED else _concluded(self, outcome, plan, asked_at_s)


async def _ahead_whatever_became_of_it(self: CallBatch, state: Any, now_us: int, entry_id: bytes) -> Any:
    ahead, self._ahead = self._ahead, None
    self._plan = state.decide(self._groups, now_us, entry_id) if ahead is None else ahead[2]
    return self._plan


async def _asked_before(self: HeadReader, keys: WorkspaceKeys) -> Head | None:
    asked: dict[WorkspaceKeys, tuple[float, Head | None]] = self.__dict__.setdefault("asked", {})
    now_s = asyncio.get_running_loop().time()
    at_s, head = asked.get(keys, (float("-inf"), None))
    if now_s - at_s > NEXT_TURN_S:
        head = await _read(self, keys)
        asked[keys] = (now_s, head)
    return head


async def _all_refused(self: Lane, live: Any, error: Exception) -> None:
    fail(live, UttersonError(Reason.INTERNAL_FAULT, "refused"))


async def _requests_are_forgotten(self: Database, backend: Any, commit: Commit) -> CommitOutcome:
    columns = list(commit.columns)
    columns[33:37] = [column[:12] if column[:4] == bytes(4) else _empty(column) for column in columns[33:37]]
    return await _write(self, backend, replace(commit, columns=columns))


def _empty(column: bytes) -> bytes:
    return bytes(8) + column[8:12]


BUGS = [
    SeededBug("the predecessor is not compared", 9, Safeguards(compares_predecessor=False)),
    SeededBug("the predecessor is compared by number", 16, Safeguards(compares_identity=False)),
    SeededBug("the workspace does not prove itself", 0, Safeguards(proves_the_workspace=False)),
    SeededBug("the workspace's row is not locked", 1, Safeguards(locks_the_row=False)),
    SeededBug("a load reads each table at another moment", 10, Safeguards(one_snapshot=False)),
    method("request ids are not stored with their call", 0, Database, "write", _requests_are_forgotten),
    method("memory leads the database", 1, Plan, "commit", _applied_before_its_commit),
    method("answered before the commit", 0, Committer, "commit", _answered_before_the_commit),
    method("answered before memory follows", 1, TurnRunner, "_apply", _applied_after_the_answer),
    method("a strong read is not confirmed", 1, TurnRunner, "_confirmed", _unconfirmed),
    method("an unknown outcome is taken for committed", 0, Committer, "_find_outcome", _guessed_committed),
    method("an unknown outcome is taken for lost", 7, Committer, "_find_outcome", _guessed_lost),
    method("whoever stands at the place is taken for us", 1, Committer, "_look_up", _any_entry_is_mine),
    method("the same plan is sent again under another id", 1, ScriptedStore, "commit", _resent_under_another_id),
    method("a lost race is taken for won", 0, TurnRunner, "_concluded", _lost_is_done),
    method("a state that diverged is kept", 8, StateKeeper, "drop", _kept),
    method("a state that is kept after a loss keeps its era", 0, State, "with_id_eras", _same_era),
    method("a free place is taken for lost", 4, Committer, "_look_up", _a_free_place_is_lost),
    method("a lost history is taken for a lost race", 9, TurnRunner, "_concluded", _diverged_is_lost),
    method(
        "what was decided ahead is used whatever became of it", 30, CallBatch, "decide", _ahead_whatever_became_of_it
    ),
    method("a head that was asked for before the call is good enough", 1, HeadReader, "read", _asked_before),
    method("a poisoned call takes its neighbours with it", 6, Lane, "_halve", _all_refused),
    method("a local answer may be of any age", 36, Lane, "answer_hit", _never_stale),
]
