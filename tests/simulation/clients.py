"""Callers: what they send to which replica, what they were told, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol, cast

from tests.agreement.messages import KIND_NUMBERS, policy_message, request
from tests.model.generate import START_US, Generator, PolicyUpdate
from tests.model.model import Model
from tests.model.policy import FUTURE_TOLERANCE_US
from tests.model.records import Call, Event, Kind
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason, UttersonError
from utterson.v1.identity_service_pb2 import IdentifyResponse
from utterson.v1.resolution_pb2 import Consistency, Resolution

# Refusals that leave open whether the call took effect, and those of a server that is busy: nothing was decided.
UNKNOWN = frozenset({Reason.OUTCOME_UNKNOWN})
NOT_DECIDED = frozenset({Reason.STORE_UNAVAILABLE, Reason.QUEUE_FULL, Reason.SHUTTING_DOWN, Reason.HISTORY_DIVERGED})
CALL_TIMEOUT_S = 30.0
# How long a caller waits at most that is about to go away.
MOMENT_S = 0.03
# How the name of an event begins that the scripted database refuses.
POISON = "poison"


class ReplicaGoneError(Exception):
    """The replica died while a call was under way: nobody knows what became of it."""


class Callee(Protocol):
    """A replica as its callers know it."""

    @property
    def name(self) -> str:
        """Which one, and how often it was started."""
        ...

    async def call(self, kind: CallKind, request: bytes) -> bytes:
        """Make a unary call.

        Raises:
            UttersonError: it was refused.
            ReplicaGoneError: nobody knows what became of it.
        """
        ...

    async def update_policy(self, workspace: str, policy: bytes) -> None:
        """Change a policy, whatever it is now; raises as `call`."""
        ...


@dataclass
class Told:
    """One call, all its tries together, and what came of it."""

    number: int
    workspace: str
    call: Call
    consistency: int
    # The ids that it sent: of the profile to modify, and of the caller's profile before.
    profile_id: int
    previous_id: int
    started_s: float
    ended_s: float = 0.0
    replica: str = ""
    resolution: Resolution | None = None
    refusal: Reason | None = None
    tries: int = 0
    # A try ended without anybody knowing what became of it.
    was_unknown: bool = False
    # A server that was there all the time did not answer, to somebody who waited for long.
    was_forgotten: bool = False

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.call.kind is not Kind.SEARCH and not self.call.validate_only

    @property
    def is_strong(self) -> bool:
        """Whether it asks for what is newest."""
        return self.writes or self.consistency != Consistency.CONSISTENCY_LOCAL

    @property
    def is_poison(self) -> bool:
        """Whether the scripted database refuses it."""
        return self.call.event is not None and self.call.event.name.startswith(POISON)

    def line(self) -> str:
        """Tell it in one line."""
        outcome = self.refusal.name if self.refusal else "UNKNOWN"
        if self.resolution is not None:
            outcome = f"profile {self.resolution.profile_id} at {self.resolution.revision}"
        return (
            f"{self.started_s:9.4f} - {self.ended_s:9.4f} call {self.number} {self.workspace} {self.call.kind.name} "
            f"replica {self.replica} try {self.tries}{' unknown before' if self.was_unknown else ''}: {outcome}"
        )


@dataclass
class PolicyTold:
    """One change of a policy."""

    workspace: str
    encoded: bytes
    policy: Any


@dataclass
class Notebook:
    """What all clients were told."""

    calls: list[Told] = field(default_factory=list)
    policies: list[PolicyTold] = field(default_factory=list)
    profile_ids: dict[str, list[int]] = field(default_factory=dict)

    def line(self) -> str:
        """Tell all of it, to compare two runs."""
        return "\n".join(told.line() for told in self.calls)


class Clients:
    """Many callers of some workspaces.

    Args:
        replicas: whom they call.
        generators: makes the calls of each workspace.
        chance: decides whom they call and what they ask for.
        notebook: where they write down what they were told.
        impatience: how likely a caller goes away after a moment.
        poison: how likely a Track is one that the scripted database refuses.
    """

    def __init__(
        self,
        replicas: Sequence[Callee],
        generators: dict[str, Generator],
        chance: Random,
        notebook: Notebook,
        *,
        impatience: float = 0.0,
        poison: float = 0.0,
    ) -> None:
        self._impatience = impatience
        self._poison = poison
        self._replicas = replicas
        self._generators = generators
        self._chance = chance
        self._notebook = notebook

    async def run(self, calls: int, pause_s: float) -> None:
        """Make so many calls, one after the other, as one caller."""
        for _ in range(calls):
            await self.step(pause_s)

    async def step(self, pause_s: float) -> None:
        """Make one call, and rest."""
        workspace = self._chance.choice(list(self._generators))
        step = self._step(workspace)
        if isinstance(step, PolicyUpdate):
            await self._change_policy(workspace, step)
        else:
            await self.make(workspace, step)
        await asyncio.sleep(self._chance.expovariate(1 / pause_s))

    async def last_call(self, workspace: str) -> Told:
        """Make a call that writes, unless the policy refuses it."""
        mark = f"mark {len(self._notebook.calls)}"
        names = [name for name in self._generators[workspace].policies.names if name != "phone"]
        return await self.make(workspace, Call(Kind.TRACK, ((names[0], mark),), request_id=mark, event=Event(mark)))

    async def make(self, workspace: str, call: Call) -> Told:
        """Make one call until its outcome is known, or for a few tries."""
        loop = asyncio.get_running_loop()
        consistency = self._chance.choice((0, Consistency.CONSISTENCY_LOCAL, Consistency.CONSISTENCY_STRONG))
        ids = self._notebook.profile_ids.setdefault(workspace, [])

        def id_of(place: int) -> int:
            return ids[place - 1] if place <= len(ids) else 2**52 + place

        profile_id, previous_id = (id_of(place) if place else 0 for place in (call.profile, call.previous_profile))
        told = Told(len(self._notebook.calls), workspace, call, consistency, profile_id, previous_id, loop.time())
        self._notebook.calls.append(told)
        made = request(call, workspace, id_of)
        cast("Any", made).consistency = consistency
        encoded = made.SerializeToString()
        # Only a call with a request id, or one that writes nothing, may be made again.
        may_repeat = bool(call.request_id) or not told.writes
        for _ in range(3 if may_repeat else 1):
            if await self._try(told, encoded):
                break
            await asyncio.sleep(self._chance.random() * 0.5)
        told.ended_s = loop.time()
        if told.resolution is not None and told.resolution.profile_id not in (0, *ids):
            self._notebook.profile_ids[workspace].append(told.resolution.profile_id)
        return told

    async def _try(self, told: Told, encoded: bytes) -> bool:
        """Try once; tells whether the outcome is known."""
        replica = self._chance.choice(self._replicas)
        told.tries += 1
        told.replica = replica.name
        told.refusal = None
        kind = CallKind(KIND_NUMBERS[told.call.kind])
        is_impatient = self._chance.random() < self._impatience
        try:
            timeout_s = self._chance.random() * MOMENT_S if is_impatient else CALL_TIMEOUT_S
            answer = await asyncio.wait_for(replica.call(kind, encoded), timeout_s)
        except (ReplicaGoneError, TimeoutError) as error:
            told.was_unknown = True
            told.was_forgotten |= isinstance(error, TimeoutError) and not is_impatient
            return False
        except UttersonError as refused:
            told.refusal = refused.reason
            told.was_unknown |= refused.reason in UNKNOWN
            return refused.reason not in UNKNOWN | NOT_DECIDED
        told.resolution = IdentifyResponse.FromString(answer).resolution
        return True

    def _step(self, workspace: str) -> Call | PolicyUpdate:
        generator = self._generators[workspace]
        known = len(self._notebook.profile_ids.get(workspace, ()))
        tolerance = SimpleNamespace(future_tolerance_us=FUTURE_TOLERANCE_US)
        view = SimpleNamespace(state=SimpleNamespace(profiles=range(known), live=tuple), policy=tolerance)
        while True:
            generator.with_ids.clear()
            step = generator.next_step(cast("Model", view))
            if isinstance(step, Call):
                return self._marked(step)
            if isinstance(step, PolicyUpdate):
                return step

    def _marked(self, call: Call) -> Call:
        """Give a call a mark of its own by which its effect is found again: a request id, or its event's name."""
        mark = f"mark {len(self._notebook.calls)}"
        if call.kind is Kind.SEARCH or call.validate_only:
            event_time_us = START_US if call.event_time_us is None else call.event_time_us
            return replace(call, request_id="", event=_unmarked(call.event), event_time_us=event_time_us, explain=False)
        if call.kind is Kind.TRACK:
            request_id = mark if self._chance.random() < 0.5 else ""
            properties = None if call.event is None else call.event.properties
            if self._chance.random() < self._poison:
                return replace(call, request_id="", event=Event(f"{POISON} {mark}", properties), explain=False)
            return replace(call, request_id=request_id, event=Event(mark, properties), explain=False)
        return replace(call, request_id=mark, explain=False)

    async def _change_policy(self, workspace: str, step: PolicyUpdate) -> None:
        encoded = policy_message(step.policy).SerializeToString()
        self._notebook.policies.append(PolicyTold(workspace, encoded, step.policy))
        try:
            await asyncio.wait_for(
                self._chance.choice(self._replicas).update_policy(workspace, encoded), CALL_TIMEOUT_S
            )
        except (ReplicaGoneError, TimeoutError, UttersonError):
            return


def _unmarked(event: Event | None) -> Event | None:
    return None if event is None else Event(event.name, event.properties)
