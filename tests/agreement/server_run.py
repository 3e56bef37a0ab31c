"""Runs turns through a server over gRPC, and compares answers, and at the end what the readers tell, with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any, cast

import grpc
from google.protobuf import json_format

from tests.agreement.messages import import_messages, microseconds, policy_message, request
from tests.agreement.mismatch import MismatchError, require
from tests.agreement.remote import Remote, Reply, reason_of_error
from tests.agreement.same import compare_answer
from tests.agreement.stack import Clock, Stack
from tests.agreement.states import event_told
from tests.agreement.steps import Answers, Batch, Import, PolicyUpdate, Turn
from tests.agreement.telling import difference, pair, short
from tests.model.model import Model
from tests.model.records import Answer, Call, JsonValue, Kind, PolicyAnswer, Refusal
from tests.model.state import US_OF_DAY, dump_profile
from utterson.v1 import profile_service_pb2 as profile_messages
from utterson.v1.resolution_pb2 import Outcome as OutcomeNumber
from utterson.v1.workspace_service_pb2 import CreateWorkspaceRequest, UpdatePolicyRequest

UNKNOWN_ID = 2**52
PAGE = 7


class ServerRun:
    """One workspace on a server.

    Args:
        model: the model; it has answered each turn before `take` is called with it.
        stack: the server.
        clock: the server's clock.
        workspace: the id of a workspace that does not exist yet.
    """

    def __init__(self, model: Model, stack: Stack, clock: Clock, workspace: str) -> None:
        self.model = model
        self.clock = clock
        self.workspace = workspace
        self.remote = Remote(stack.channel)
        self.id_of: dict[int, int] = {}
        self.ordinal_of: dict[int, int] = {0: 0}
        # What each revision answered: (revision, outcome, profile).
        self.answered: Counter[tuple[str, str, int]] = Counter()

    def ids(self, ordinal: int) -> int:
        """Give the public id of an ordinal; of one that does not exist an id that no profile has."""
        return self.id_of.get(ordinal, UNKNOWN_ID + ordinal)

    def ordinals(self, profile_id: int) -> int:
        """Give the ordinal of a public id that was answered before; -1 for any other."""
        return self.ordinal_of.get(profile_id, -1)

    def learn(self, ordinal: int, profile_id: int) -> None:
        """Note the id of a profile just made."""
        if ordinal not in self.id_of:
            require(profile_id not in self.ordinal_of, "a profile's id is not fresh")
            self.id_of[ordinal], self.ordinal_of[profile_id] = profile_id, ordinal

    async def create(self, policy: Mapping[str, JsonValue]) -> None:
        """Make the workspace."""
        made = CreateWorkspaceRequest(workspace=self.workspace, policy=policy_message(policy))
        await self.remote.workspaces.CreateWorkspace(made)

    async def take(self, turn: Turn, expected: Answers) -> None:
        """Run one turn.

        Raises:
            MismatchError: model and product disagree.
        """
        match turn.step:
            case Batch():
                self.clock.now_us = turn.step.calls[0].now_us
                answers = cast("list[Answer | Refusal]", expected)
                replies = await self._replies(turn.step.calls, Random(turn.salt))
                for call, ours, theirs in zip(turn.step.calls, answers, replies, strict=True):
                    self._compare(call, ours, theirs)
            case PolicyUpdate():
                self.clock.now_us = turn.step.now_us
                await self._policy(turn.step, expected[0])
            case Import():
                self.clock.now_us = turn.step.now_us
                await self._import(turn.step, expected[0])

    async def _replies(self, calls: tuple[Call, ...], choices: Random) -> list[Reply]:
        requests = [request(call, choices.choice(("", self.workspace)), self.ids) for call in calls]
        draw = choices.random()
        if len(calls) == 1 and (draw < 0.6 or calls[0].kind is Kind.SEARCH):
            requests[0].workspace = self.workspace
            return [await self.remote.one(calls[0].kind, requests[0])]
        if draw < 0.8:
            return await self.remote.batch(self.workspace, requests)
        return await self.remote.stream(self.workspace, requests)

    def _compare(self, call: Call, ours: Answer | Refusal, theirs: Reply) -> None:
        if isinstance(theirs, str):
            require(isinstance(ours, Refusal), f"accepted | {theirs}")
            require(cast("Refusal", ours).reason == theirs, f"refused: {ours} | {theirs}")
            return
        if isinstance(ours, Answer) and ours.profile and theirs.profile_id:
            self.learn(ours.profile, theirs.profile_id)
        compare_answer(call, ours, theirs, self.ordinals)
        outcome = short(OutcomeNumber.Name(theirs.outcome), "OUTCOME_")
        if not call.validate_only:
            self.answered[theirs.revision, outcome, self.ordinals(theirs.profile_id)] += 1

    async def _policy(self, step: PolicyUpdate, expected: object) -> None:
        try:
            made = UpdatePolicyRequest(workspace=self.workspace, policy=policy_message(step.policy))
            answer = await self.remote.workspaces.UpdatePolicy(made)
        except grpc.aio.AioRpcError as error:
            reason = reason_of_error(error)
            require(isinstance(expected, Refusal) and expected.reason == reason, f"policy: {expected} | {reason}")
            return
        require(isinstance(expected, PolicyAnswer), f"policy: {expected} | accepted")
        require(answer.workspace.policy_revision == self.model.policy_revision, "the policy's revision")

    async def _import(self, step: Import, expected: object) -> None:
        messages = import_messages(step, self.workspace)
        try:
            answer = await self.remote.workspaces.ImportProfiles(iter(messages))
        except grpc.aio.AioRpcError as error:
            reason = reason_of_error(error)
            require(isinstance(expected, Refusal) and expected.reason == reason, f"import: {expected} | {reason}")
            return
        if not isinstance(expected, tuple):
            raise MismatchError(f"import: {expected} | accepted")
        for ordinal, profile_id in zip(expected, answer.profile_ids, strict=True):
            self.learn(ordinal, profile_id)
            require(self.ordinals(profile_id) == ordinal, "the id of an imported profile")

    async def finish(self) -> None:
        """Read everything back and compare it."""
        for ordinal in self.model.state.profiles:
            await self._check_profile(ordinal)
        ours = list(reversed(self.model.dump()["unresolved"]))  # type: ignore[call-overload]  # a list
        require(ours == await self._events(0), f"unresolved events: {difference(ours, await self._events(0))}")

    async def _check_profile(self, ordinal: int) -> None:
        read = profile_messages.GetProfileRequest(workspace=self.workspace, profile_id=self.ids(ordinal))
        answer = await self.remote.profiles.GetProfile(read)
        profile = self.model.state.resolve(ordinal)
        assert profile is not None
        merged_into = 0 if profile.ordinal == ordinal else profile.ordinal
        require(self.ordinals(answer.merged_into) == merged_into, f"merged_into of {ordinal}")
        expected: dict[str, Any] = dict(dump_profile(profile))
        expected["identifiers"] = sorted(expected["identifiers"])
        expected["events"] = list(reversed(expected["events"]))
        expected["traits"] = {name: value for name, (value, _) in expected["traits"].items()}
        expected |= {"profile": profile.ordinal, "orphaned": not profile.held}
        expected["known"] = any(self.model.policy.settings(key[0]).login for key in profile.held)
        given = self._told(answer.profile)
        given["events"] = await self._events(self.ids(ordinal))
        require(expected == given, f"profile {ordinal}: {difference(expected, given)}")
        await self._check_history(ordinal, profile.ordinal)

    def _told(self, profile: profile_messages.Profile) -> dict[str, Any]:
        identifiers = []
        for one in profile.identifiers:
            type_name, raw = pair(one.identifier)
            day = microseconds(one.last_seen_time) // US_OF_DAY
            identifiers.append((type_name, one.normalized_value, raw, microseconds(one.create_time), day))
        return {
            "profile": self.ordinals(profile.profile_id),
            "create_time_us": microseconds(profile.create_time),
            "source": self.ordinals(profile.source_profile_id),
            "merges": profile.merges,
            "identifiers": sorted(identifiers),
            "traits": json_format.MessageToDict(profile.traits),
            "known": profile.known,
            "orphaned": profile.orphaned,
        }

    async def _events(self, profile_id: int) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        token = ""
        while True:
            read = profile_messages.ListEventsRequest(
                workspace=self.workspace, profile_id=profile_id, page_size=PAGE, page_token=token
            )
            page = await self.remote.profiles.ListEvents(read)
            events.extend(event_told(event) for event in page.events)
            token = page.next_page_token
            if not token:
                return events

    async def _check_history(self, ordinal: int, survivor: int) -> None:
        """Each entry is an answer that was given; a profile that a call made or joined shows that call."""
        told: Counter[tuple[str, str, int]] = Counter()
        token = ""
        while True:
            read = profile_messages.ListHistoryRequest(
                workspace=self.workspace, profile_id=self.ids(ordinal), page_size=PAGE, page_token=token
            )
            page = await self.remote.profiles.ListHistory(read)
            for entry in page.entries:
                if entry.call != profile_messages.CALL_KIND_IMPORT:
                    outcome = short(OutcomeNumber.Name(entry.outcome), "OUTCOME_")
                    told[entry.revision, outcome, self.ordinals(entry.profile_id)] += 1
            token = page.next_page_token
            if not token:
                break
        for one, count in told.items():
            require(count <= self.answered[one], f"history of {ordinal} tells what was not answered")
        for one, count in self.answered.items():
            if one[1] in ("CREATED", "MERGED") and one[2] in (ordinal, survivor):
                require(told[one] >= 1, f"history of {ordinal} leaves out a call: {one[1:]} {count}")
