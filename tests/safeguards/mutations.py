"""Every protection of the commit protocol, here a safeguard for short, and how to take it out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from tests.safeguards import lane_checks, writer_checks
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
from tests.safeguards.world import World
from utterson.application.lane import committer
from utterson.application.lane.committer import Committer
from utterson.application.lane.resolving import Resolving
from utterson.application.lane.state_keeper import StateKeeper
from utterson.application.lane.turn_runner import TurnRunner, _Step
from utterson.domain.chain import Commit, CommitOutcome, WorkspaceKeys
from utterson.engine.state import Plan
from utterson.store import pool

Check = Callable[[World], Awaitable[None]]
_NEXT_TURN_S = 0.05


@dataclass(frozen=True)
class Mutation:
    """A safeguard that is taken out, and the check that must notice."""

    safeguard: str
    apply: Callable[[World, pytest.MonkeyPatch], Awaitable[None]]
    noticed_by: Check


def _source(function_name: str) -> str:
    file = resources.files("utterson.store").joinpath("functions", f"{function_name}.sql")
    return file.read_text(encoding="utf-8")


def sql(safeguard: str, old: str, new: str, noticed_by: Check, *, of: str = "commit_batch") -> Mutation:
    """Make a mutation of a function: one place of its text is replaced."""

    async def apply(world: World, patch: pytest.MonkeyPatch) -> None:
        del patch
        source = _source(of)
        assert source.count(old) == 1, f"the function has changed: {old!r}"
        await world.connection.execute(source.replace(old, new))

    return Mutation(safeguard, apply, noticed_by)


def table(safeguard: str, statement: str, noticed_by: Check) -> Mutation:
    """Make a mutation of the tables."""

    async def apply(world: World, patch: pytest.MonkeyPatch) -> None:
        del patch
        await world.connection.execute(statement)

    return Mutation(safeguard, apply, noticed_by)


def method(safeguard: str, owner: type, name: str, replacement: object, noticed_by: Check) -> Mutation:
    """Make a mutation of one method."""

    async def apply(world: World, patch: pytest.MonkeyPatch) -> None:
        del world
        assert name in vars(owner), f"{owner.__name__} has no {name} any more"
        patch.setattr(owner, name, replacement)

    return Mutation(safeguard, apply, noticed_by)


def function(safeguard: str, module: ModuleType, name: str, replacement: object, noticed_by: Check) -> Mutation:
    """Make a mutation of one function."""

    async def apply(world: World, patch: pytest.MonkeyPatch) -> None:
        del world
        patch.setattr(module, name, replacement)

    return Mutation(safeguard, apply, noticed_by)


_plan_commit, _plan_apply = Plan.commit, Plan.apply
_commit, _attempt = Committer.commit, TurnRunner._attempt
_concluded, _decider_apply, _resolve = TurnRunner._concluded, TurnRunner._apply, Resolving.resolve
_transaction = asyncpg.connection.Connection.transaction
_pool_settings = pool.PoolSettings.__init__
_background: set[Any] = set()


def _applied_before_its_commit(self: Plan, keys: WorkspaceKeys) -> Commit:
    made = _plan_commit(self, keys)
    _plan_apply(self)
    # The lane's own apply comes too late to do anything.
    self.apply = lambda: None  # type: ignore[method-assign]
    return made


async def _answered_before_the_commit(self: Committer, commit: Commit, timeout_s: float) -> CommitOutcome:
    _background.add(asyncio.create_task(_commit(self, commit, timeout_s)))
    return CommitOutcome.OK


def _applied_after_the_answer(self: TurnRunner, plan: Any, asked_at_s: float) -> None:
    asyncio.get_running_loop().call_later(_NEXT_TURN_S, _decider_apply, self, plan, asked_at_s)


async def _cancelled_with_its_callers(self: Resolving, items: Any) -> None:
    task = asyncio.create_task(_resolve(self, items))
    for item in items:
        item.receiver.add_done_callback(lambda future: future.cancelled() and task.cancel())
    await asyncio.wait({task})


async def _never_locked(self: TurnRunner, operation: Any, *, locked: bool) -> _Step:
    return await _attempt(self, operation, locked=False)


async def _unnoticed(self: StateKeeper, why: object) -> None:
    self._unsettled = None


def _without_idle_timeout(self: pool.PoolSettings, connections: int, call_ms: int, statement_ms: int) -> None:
    _pool_settings(self, connections, call_ms, statement_ms, idle_in_transaction_timeout_ms=0)


async def _unforeseen(call: Awaitable[Any]) -> Any:
    return await call


def _swallowed(step: str) -> Check:
    async def check(world: World) -> None:
        await writer_checks.swallowed_row(world, step)

    check.__name__ = f"swallowed_row_{step}"
    return check


SWALLOWED = {step: _swallowed(step) for step in writer_checks.STEPS}
_PREDECESSOR = "v_prev IS DISTINCT FROM p_prev"
_REQUESTS_KEPT = "WHERE r.commit_time_us < p_commit_time_us - 86400000000"

MUTATIONS = [
    sql("CAS on the predecessor: removed", _PREDECESSOR, "false", writer_checks.regressed_history),
    sql("CAS on the predecessor: by number", _PREDECESSOR, "NOT FOUND", writer_checks.rewritten_history),
    sql(
        "nothing stands at or above the entry: gone, the key alone says no",
        "AND seq >= p_seq)",
        "AND false)",
        writer_checks.stale_writer,
    ),
    sql(
        "nothing stands at or above the entry: only above",
        "AND seq >= p_seq)",
        "AND seq > p_seq)",
        writer_checks.duplicate_application,
    ),
    sql("the workspace's row lock", " FOR NO KEY UPDATE", "", writer_checks.racing_writers),
    sql(
        "the workspace behind the number is proven: by the writer",
        "v_identity IS DISTINCT FROM p_identity",
        "NOT FOUND",
        writer_checks.another_workspace,
    ),
    sql(
        "the workspace behind the number is proven: by readers",
        " AND genesis_id || database_id = p_identity",
        "",
        writer_checks.another_workspace_read,
        of="prove_workspace",
    ),
    sql("the bound on an entry's time", "NOT BETWEEN", "IS NULL AND 0 NOT BETWEEN", writer_checks.a_jumped_clock),
    sql("the format fence", "p_format_version < v_format_version_min", "false", writer_checks.later_format),
    sql("a loser is merged once", " AND p.merged_into = 0", "", writer_checks.merged_twice),
    *(
        sql(
            f"row count of {step}",
            f"PERFORM assert_rows('{step}', ",
            f"PERFORM concat('{step}', ",
            SWALLOWED[step],
        )
        for step in writer_checks.STEPS
    ),
    table(
        "the key of identifiers",
        "ALTER TABLE identifiers DROP CONSTRAINT identifiers_pkey",
        writer_checks.attached_twice,
    ),
    sql("a request id is unique for a day", _REQUESTS_KEPT, "", writer_checks.request_id_used_twice),
    sql(
        "request ids in the transaction",
        "cardinality(p_request_digests) > 0",
        "false",
        lane_checks.a_repeated_call_is_known_everywhere,
    ),
    method("apply only after the commit", Plan, "commit", _applied_before_its_commit, lane_checks.memory_does_not_lead),
    method(
        "answer only after the commit",
        Committer,
        "commit",
        _answered_before_the_commit,
        lane_checks.nobody_is_answered_before_the_commit,
    ),
    method(
        "answer only after apply",
        TurnRunner,
        "_apply",
        _applied_after_the_answer,
        lane_checks.nobody_is_answered_before_memory_follows,
    ),
    method(
        "callers cannot cancel a commit",
        Resolving,
        "resolve",
        _cancelled_with_its_callers,
        lane_checks.a_commit_outlives_its_caller,
    ),
    method(
        "the head is confirmed before a strong read",
        TurnRunner,
        "_confirmed",
        unconfirmed,
        lane_checks.a_strong_read_sees_what_others_wrote,
    ),
    method(
        "an unknown outcome is looked up: guessed committed",
        Committer,
        "_find_outcome",
        guessed_committed,
        lane_checks.a_lost_request_is_sent_again,
    ),
    method(
        "an unknown outcome is looked up: guessed lost",
        Committer,
        "_find_outcome",
        guessed_lost,
        lane_checks.a_lost_answer_is_looked_up,
    ),
    method(
        "an unknown outcome is looked up: by number",
        Committer,
        "_look_up",
        any_entry_is_mine,
        lane_checks.another_entry_in_the_place_is_not_mine,
    ),
    method(
        "a lost race is decided anew", TurnRunner, "_concluded", lost_is_done, lane_checks.a_lost_race_is_decided_anew
    ),
    method(
        "the row is locked first after two losses",
        TurnRunner,
        "_attempt",
        _never_locked,
        lane_checks.a_slow_replica_gets_its_turn,
    ),
    method(
        "tables are loaded in one snapshot",
        asyncpg.connection.Connection,
        "transaction",
        each_statement_sees_another_moment,
        lane_checks.a_load_shows_one_moment,
    ),
    function(
        "a call past its deadline loses its connection",
        pool,
        "_cut",
        lambda connection: None,
        lane_checks.a_call_ends_by_its_deadline,
    ),
    function(
        "an unforeseen failure counts as unknown",
        committer,
        "_or_unknown",
        _unforeseen,
        lane_checks.an_unforeseen_failure_is_looked_up,
    ),
    function(
        "the driver's own confusion counts as unknown",
        pool,
        "_CONNECTION_FAULTS",
        (OSError, asyncpg.PostgresError, asyncpg.InterfaceError),
        lane_checks.a_confused_driver_is_an_unknown_outcome,
    ),
    method(
        "an idle transaction is ended",
        pool.PoolSettings,
        "__init__",
        _without_idle_timeout,
        lane_checks.a_frozen_holder_keeps_nobody_long,
    ),
    method(
        "lost history begins an era",
        StateKeeper,
        "_settle",
        _unnoticed,
        lane_checks.ids_of_a_lost_history_are_not_given_again,
    ),
    method("poison is found by halving", Resolving, "_halve", all_refused, lane_checks.a_poisoned_call_stands_alone),
    method(
        "a state that diverged is dropped",
        StateKeeper,
        "drop",
        kept,
        lane_checks.a_lost_end_of_history_is_noticed,
    ),
]
