"""Runs a scenario against a server, in a workspace of its own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import grpc

from utterson.cli.policy_json import PolicyFormError, read_policy
from utterson.cli.scenarios.comparing import answer_differences, state_differences
from utterson.cli.scenarios.records import Given, Preset, Scenario, ScenarioFileError, Step, StepCall
from utterson.cli.scenarios.results import Answer, ProfileView, StepResult, WorkspaceView
from utterson.cli.scenarios.symbols import Symbols
from utterson.client import CallOptions, CallRefused, IdentifierChange, ImportedProfile, UttersonClient
from utterson.v1.profile_service_pb2 import GetProfileResponse
from utterson.v1.resolution_pb2 import OUTCOME_CREATED, Resolution

# No answer at all: it cannot be compared with anything.
AWAY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Where the file leaves the time free: an increasing clock, the same on every run.
_CLOCK_START: Final = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
_CLOCK_STEP: Final = timedelta(seconds=1)
# Types of the identifiers that a file counts but does not list.
_FURTHER: Final = "further."
_ORPHANED_VALUE: Final = "taken-away"


class ScenarioRun:
    """One scenario on its way through a server.

    Args:
        client: whom to call.
        workspace: the id of the workspace to make.
        scenario: what to play.
    """

    def __init__(self, client: UttersonClient, workspace: str, scenario: Scenario) -> None:
        self.workspace: Final = workspace
        self.symbols: Final = Symbols()
        self._client = client
        self._scenario = scenario
        self._clock = _CLOCK_START
        self._revision = ""

    async def prepare(self) -> None:
        """Make the workspace and the profiles that exist before the first step.

        Raises:
            ScenarioFileError: the policy has not the form of one.
            CallRefused: the server refuses the policy or a profile.
        """
        policy = self._scenario.policy
        if isinstance(policy, Preset):
            await self._client.create_workspace(self.workspace, preset=policy.value)
        else:
            try:
                message = read_policy(policy)
            except PolicyFormError as error:
                raise ScenarioFileError(f"{self._scenario.path}: scenario {self._scenario.id}: {error}") from None
            await self._client.create_workspace(self.workspace, policy=message)
        if self._scenario.given:
            await self._import_given()

    async def steps(self) -> AsyncIterator[StepResult]:
        """Play the steps one after another; a step that differs does not stop the others.

        Raises:
            CallRefused: the server is away.
        """
        before = await self.look()
        for number, step in enumerate(self._scenario.steps, 1):
            answer = await self._call(step)
            if isinstance(answer, Resolution):
                self._revision = answer.revision or self._revision
                if answer.outcome == OUTCOME_CREATED and answer.profile_id:
                    self.symbols.bind(answer.profile_id)
            after = await self.look()
            differences = (
                *answer_differences(step.expect, answer, self.symbols),
                *state_differences(step.state, after.state()),
            )
            yield StepResult(number, step, answer, before, after, differences)
            before = after

    async def look(self) -> WorkspaceView:
        """Read every profile that has a symbol, from a state that contains the last call."""
        ids = self.symbols.bound()
        answers = await asyncio.gather(
            *(
                self._client.get_profile(self.workspace, profile_id, at_least=self._revision)
                for profile_id in ids.values()
            )
        )
        view = WorkspaceView({}, {})
        for symbol, answer in zip(ids, answers, strict=True):
            if answer.merged_into:
                view.merged_into[symbol] = self.symbols.name_of(answer.merged_into)
            else:
                view.live[symbol] = _profile_view(answer)
        return view

    async def _call(self, step: Step) -> Answer:
        try:
            return await self._make_call(step)
        except CallRefused as refusal:
            if refusal.code in AWAY:
                raise
            return refusal

    async def _make_call(self, step: Step) -> Resolution:
        options = CallOptions(
            previous_profile_id=self.symbols.id_of(step.previous_profile),
            event_time=self._time(step.time_us),
            explain=True,
        )
        match step.call:
            case StepCall.IDENTIFY:
                return await self._client.identify(self.workspace, step.identifiers, **options)
            case StepCall.LOGIN:
                return await self._client.login(self.workspace, step.identifiers, **options)
            case StepCall.LOGOUT:
                return await self._client.logout(self.workspace, step.identifiers, **options)
            case StepCall.TRACK:
                return await self._client.track(self.workspace, step.identifiers, "event", **options)
            case StepCall.MODIFY:
                changes = [IdentifierChange(*change) for change in step.changes]
                profile_id = self.symbols.id_of(step.profile)
                return await self._client.modify(self.workspace, profile_id, changes, **options)
            case StepCall.SEARCH:
                previous = options["previous_profile_id"]
                return await self._client.search(
                    self.workspace, step.identifiers, previous_profile_id=previous, explain=True
                )

    async def _import_given(self) -> None:
        """Import the given profiles; one that holds nothing is imported with a value that is taken away again."""
        profiles = [
            ImportedProfile(
                identifiers=_given_identifiers(given)
                or [(await self._highest_type(), f"{_ORPHANED_VALUE}-{given.profile}")],
                create_time=self._time(given.created_us),
                merges=given.merges,
            )
            for given in self._scenario.given
        ]
        profile_ids = await self._client.import_profiles(self.workspace, profiles)
        for given, profile, profile_id in zip(self._scenario.given, profiles, profile_ids, strict=True):
            self.symbols.bind(profile_id)
            if not _given_identifiers(given):
                changes = [IdentifierChange(name, old_value=value) for name, value in profile.identifiers]
                await self._client.modify(self.workspace, profile_id, changes)

    async def _highest_type(self) -> str:
        workspace = await self._client.get_workspace(self.workspace)
        return workspace.policy.identifier_types[0].name

    def _time(self, time_us: int | None) -> datetime:
        self._clock += _CLOCK_STEP
        return self._clock if time_us is None else _EPOCH + timedelta(microseconds=time_us)


def _given_identifiers(given: Given) -> list[tuple[str, str]]:
    """Tell a given profile's identifiers; each of the unlisted ones is of a type of its own, so that no limit bites."""
    further = [(f"{_FURTHER}{given.profile.lower()}.{number}", "x") for number in range(given.further_identifiers)]
    return [*given.identifiers, *further]


def _profile_view(answer: GetProfileResponse) -> ProfileView:
    profile = answer.profile
    return ProfileView(
        profile_id=profile.profile_id,
        identifiers=tuple(
            (held.identifier.type, held.normalized_value)
            for held in profile.identifiers
            if not held.identifier.type.startswith(_FURTHER)
        ),
        known=profile.known,
        merges=profile.merges,
        source_profile_id=profile.source_profile_id,
    )
