"""Bugs that are put in on purpose, one at a time, to see which proof finds them.

The switch is this folder: the product has none. A bug replaces something of the product in the process that it is put
in, or a part of the database's function, or what the scripted database looks at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from importlib import resources
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from tests.safeguards.faulty import (
    all_refused,
    any_entry_is_mine,
    each_statement_sees_another_moment,
    guessed_committed,
    guessed_lost,
    kept,
    lost_is_done,
    unconfirmed,
)
from tests.simulation.database import Database, Safeguards
from tests.simulation.scripted_store import ScriptedStore
from utterson.application.calls.batch import CallBatch
from utterson.application.lane import committer
from utterson.application.lane.committer import Committer
from utterson.application.lane.heads import HeadReader
from utterson.application.lane.lane import Lane
from utterson.application.lane.resolving import Resolving
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.lane.turn_runner import TurnRunner, _Step
from utterson.domain.chain import Commit, CommitOutcome, FailureKind, Head, StoreFailureError, WorkspaceKeys
from utterson.engine.state import Plan, State, StateLoader
from utterson.store.commits import CommitStore

NEXT_TURN_S = 0.05


@dataclass(frozen=True)
class SeededBug:
    """One bug.

    `seed` is one of the simulation that finds it: tried first, since any change of the code may give it to another.
    `patch` puts it into a process, `scripted` into the scripted database, `replaced` into the function of a real one.
    `model` names the safeguard of the protocol's model that it takes out, `kit` that of `tests/safeguards/`.
    """

    name: str
    seed: int
    patch: Callable[[pytest.MonkeyPatch], None] = lambda patch: None
    scripted: Safeguards = field(default_factory=Safeguards)
    replaced: tuple[str, str] | None = None
    model: str = ""
    kit: str = ""

    async def put_into(self, database_url: str) -> None:
        """Put what belongs there into a real database."""
        if self.replaced is None:
            return
        file = resources.files("utterson.store").joinpath("functions", "commit_batch.sql")
        source, (old, new) = file.read_text(encoding="utf-8"), self.replaced
        assert source.count(old) == 1, f"the function has changed: {old!r}"
        connection = await asyncpg.connect(database_url)
        try:
            await connection.execute(source.replace(old, new))
        finally:
            await connection.close()


def put(owner: type | ModuleType, attribute: str, replacement: object) -> Callable[[pytest.MonkeyPatch], None]:
    """Put something in the place of a method or a function."""

    def put_in(patch: pytest.MonkeyPatch) -> None:
        assert attribute in vars(owner), f"{owner.__name__} has no {attribute} any more"
        patch.setattr(owner, attribute, replacement)

    return put_in


_plan_commit, _plan_apply = Plan.commit, Plan.apply
_commit, _concluded, _apply = Committer.commit, TurnRunner._concluded, TurnRunner._apply
_write, _store_commit, _drop = Database.write, ScriptedStore.commit, StateKeeper.drop
_look_up, _read = Committer._look_up, HeadReader.read
_confirm, _resolve = StateKeeper.confirm, Resolving.resolve
_transaction, _postgres_commit = asyncpg.connection.Connection.transaction, CommitStore.commit
_background: dict[asyncio.Task[Any], None] = {}


# What is written to it is lost.
_NEVER = property(lambda self: False, lambda self, value: None)


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


async def _requests_are_forgotten(self: Database, backend: Any, commit: Commit) -> CommitOutcome:
    columns = list(commit.columns)
    columns[33:37] = [column[:12] if column[:4] == bytes(4) else _empty(column) for column in columns[33:37]]
    return await _write(self, backend, replace(commit, columns=columns))


def _empty(column: bytes) -> bytes:
    return bytes(8) + column[8:12]


async def _cancelled_with_its_callers(self: Resolving, items: Any) -> None:
    task = asyncio.create_task(_resolve(self, items))
    for item in items:
        item.receiver.add_done_callback(lambda receiver: receiver.cancelled() and task.cancel())
    await asyncio.wait({task})


async def _back_is_confirmed(self: StateKeeper) -> bool:
    state = await self.ready()
    head = await self._context.heads.read(self.keys)
    if head is None or head.seq > state.head.seq:
        return await _confirm(self)
    self.confirmed_at_s = asyncio.get_running_loop().time()
    return True


async def _as_of_the_answer(self: StateKeeper) -> bool:
    stood = await _confirm(self)
    self.confirmed_at_s = asyncio.get_running_loop().time() + NEXT_TURN_S
    return stood


async def _failed_for_certain(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except StoreFailureError as failure:
        if failure.kind is FailureKind.UNKNOWN:
            raise StoreFailureError(FailureKind.LOST_RACE, failure.code) from None
        raise


async def _resent_to_postgres_under_another_id(self: CommitStore, commit: Commit, timeout_s: float) -> CommitOutcome:
    try:
        return await _postgres_commit(self, commit, timeout_s)
    except StoreFailureError as failure:
        if failure.kind is not FailureKind.UNKNOWN:
            raise
    try:
        return await _postgres_commit(self, replace(commit, id=bytes(reversed(commit.id))), timeout_s)
    except StoreFailureError:
        return CommitOutcome.LOST


def _resent(patch: pytest.MonkeyPatch) -> None:
    put(ScriptedStore, "commit", _resent_under_another_id)(patch)
    put(CommitStore, "commit", _resent_to_postgres_under_another_id)(patch)


BUGS = [
    SeededBug(
        "the predecessor is not compared", 9,
        scripted=Safeguards(compares_predecessor=False), replaced=("v_prev IS DISTINCT FROM p_prev", "false"),
        model="PredecessorCompared", kit="CAS on the predecessor: removed",
    ),
    SeededBug(
        "the predecessor is compared by number", 842,
        scripted=Safeguards(compares_identity=False), replaced=("v_prev IS DISTINCT FROM p_prev", "NOT FOUND"),
        model="PredecessorIdentity", kit="CAS on the predecessor: by number",
    ),
    SeededBug(
        "the workspace behind the number is not proven", 15,
        scripted=Safeguards(proves_the_workspace=False),
        replaced=("v_identity IS DISTINCT FROM p_identity", "NOT FOUND"),
        model="GenesisProven", kit="the workspace behind the number is proven: by the writer",
    ),
    SeededBug("a state that is kept after a loss keeps its era", 17, put(State, "with_id_eras", _same_era)),
    SeededBug(
        "the workspace's row is not locked", 1,
        scripted=Safeguards(locks_the_row=False), replaced=(" FOR NO KEY UPDATE", ""),
        model="RowLocked", kit="the workspace's row lock",
    ),
    SeededBug(
        "a load reads each table at another moment", 10, scripted=Safeguards(one_snapshot=False),
        patch=put(asyncpg.connection.Connection, "transaction", each_statement_sees_another_moment),
        kit="tables are loaded in one snapshot",
    ),
    SeededBug(
        "request ids are not stored with their call", 0, put(Database, "write", _requests_are_forgotten),
        replaced=("cardinality(p_request_digests) > 0", "false"),
        model="RequestIdsStored", kit="request ids in the transaction",
    ),
    SeededBug("a loaded state knows no request ids", 0, put(StateLoader, "requests", lambda self, chunk: None)),
    SeededBug(
        "memory leads the database", 124, put(Plan, "commit", _applied_before_its_commit),
        model="ApplyAfterCommit", kit="apply only after the commit",
    ),
    SeededBug(
        "answered before the commit", 0, put(Committer, "commit", _answered_before_the_commit),
        model="AnswerAfterCommit", kit="answer only after the commit",
    ),
    SeededBug(
        "answered before memory follows", 1, put(TurnRunner, "_apply", _applied_after_the_answer),
        kit="answer only after apply",
    ),
    SeededBug(
        "a commit is cancelled with its callers", 1, put(Resolving, "resolve", _cancelled_with_its_callers),
        kit="callers cannot cancel a commit",
    ),
    SeededBug(
        "a strong read is not confirmed", 1, put(TurnRunner, "_confirmed", unconfirmed),
        model="HeadConfirmed", kit="the head is confirmed before a strong read",
    ),
    SeededBug("a head that was asked for before the call is good enough", 123, put(HeadReader, "read", _asked_before)),
    SeededBug(
        "a head is as new as its answer, not as its question", 159, put(StateKeeper, "confirm", _as_of_the_answer)
    ),
    SeededBug("a head that went back is confirmed", 2296, put(StateKeeper, "confirm", _back_is_confirmed)),
    SeededBug(
        "an unknown outcome is taken for committed", 0, put(Committer, "_find_outcome", guessed_committed),
        model="NotGuessedCommitted", kit="an unknown outcome is looked up: guessed committed",
    ),
    SeededBug(
        "an unknown outcome is taken for lost", 7, put(Committer, "_find_outcome", guessed_lost),
        model="NotGuessedLost", kit="an unknown outcome is looked up: guessed lost",
    ),
    SeededBug(
        "an unknown failure is taken for a lost race", 1, put(committer, "_or_unknown", _failed_for_certain),
    ),
    SeededBug(
        "whoever stands at the place is taken for us", 1, put(Committer, "_look_up", any_entry_is_mine),
        model="LookUpByIdentity", kit="an unknown outcome is looked up: by number",
    ),
    SeededBug("the same plan is sent again under another id", 1, _resent, model="SameEntryAgain"),
    SeededBug("a free place is taken for lost", 4, put(Committer, "_look_up", _a_free_place_is_lost)),
    SeededBug(
        "values that left are told of later tables", 4006642,
        lambda patch: patch.setattr(TurnRunner, "_tells_of_tables", _NEVER, raising=False),
    ),
    SeededBug(
        "a lost race is taken for won", 0, put(TurnRunner, "_concluded", lost_is_done),
        kit="a lost race is decided anew",
    ),
    SeededBug("a lost history is taken for a lost race", 127, put(TurnRunner, "_concluded", _diverged_is_lost)),
    SeededBug(
        "a state that diverged is kept", 8, put(StateKeeper, "drop", kept), kit="a state that diverged is dropped"
    ),
    SeededBug(
        "what was decided ahead is used whatever became of it", 190,
        put(CallBatch, "decide", _ahead_whatever_became_of_it),
    ),
    SeededBug(
        "a poisoned call takes its neighbours with it", 122, put(Resolving, "_halve", all_refused),
        kit="poison is found by halving",
    ),
    SeededBug("a local answer may be of any age", 36, put(Lane, "answer_hit", _never_stale)),
]  # fmt: skip
