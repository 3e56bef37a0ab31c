"""Use cases that record what they were asked and answer, or raise, what a test told them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Value

from utterson.application.calls.identity import IdentityService
from utterson.application.calls.imports import ImportService
from utterson.application.lane.receiver import Receiver
from utterson.application.reads.profiles import PageRequest, ProfilesService
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.domain.calls import CallKind
from utterson.domain.imports import WHOLE_IMPORT, ImportPart
from utterson.domain.records import (
    IdentifierRecord,
    Page,
    PolicyRevisionRecord,
    ProfileRecord,
    SetTraitRecord,
    TraitRecord,
    WorkspaceRecord,
)
from utterson.engine.core_engine import CoreEngine
from utterson.v1.identity_service_pb2 import StreamResolveRequest, StreamResolveResponse
from utterson.v1.policy_pb2 import IsolationStrategy, OnLogout, OnNewKnownUser, Policy
from utterson.v1.workspace_service_pb2 import ImportProfilesResponse

POLICY = Policy(
    isolation=IsolationStrategy(
        on_new_known_user=OnNewKnownUser.ON_NEW_KNOWN_USER_CREATE_PROFILE,
        on_logout=OnLogout.ON_LOGOUT_CREATE_ANONYMOUS,
    )
).SerializeToString()


@dataclass
class Script:
    """What the fakes were asked, what to raise, and what to wait for before."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    error: BaseException | None = None
    before: Callable[[], Awaitable[object]] | None = None

    async def play(self, *call: object) -> None:
        """Record a call, wait, and raise."""
        self.asked.append(call)
        if self.before is not None:
            await self.before()
        if self.error is not None:
            raise self.error


@dataclass
class FakeIdentity(IdentityService):
    """Answers every unary call with `answer`."""

    script: Script
    answer: bytes = b""
    playing: "set[asyncio.Task[None]]" = field(default_factory=set)
    streams_open: int = 0
    received: int = 0

    async def resolve(self, kind: CallKind, request: bytes) -> bytes:
        """Record and answer."""
        await self.script.play("resolve", kind, request)
        return self.answer

    def begin(self, kind: CallKind, request: bytes, receiver: Receiver) -> bytes | None:
        """Record, and answer later."""
        playing = asyncio.create_task(self._play(kind, request, receiver))
        self.playing.add(playing)
        playing.add_done_callback(self.playing.discard)
        return None

    async def _play(self, kind: CallKind, request: bytes, receiver: Receiver) -> None:
        resolving = asyncio.create_task(self._outcome(kind, request))
        while not (resolving.done() or receiver.done()):
            await asyncio.wait({resolving}, timeout=0.01)
        if receiver.done():
            resolving.cancel()
            return
        outcome = resolving.result()
        if isinstance(outcome, bytes):
            receiver.set_result(outcome)
        else:
            receiver.set_exception(outcome)

    async def _outcome(self, kind: CallKind, request: bytes) -> bytes | BaseException:
        # A task that raises SystemExit would end the event loop.
        try:
            return await self.resolve(kind, request)
        except BaseException as error:
            return error

    async def resolve_batch(self, request: bytes) -> bytes:
        """Record and answer."""
        await self.script.play("resolve_batch", request)
        return self.answer

    async def resolve_stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Answer each message with its number; raise at the second where there is something to raise."""
        self.streams_open += 1
        try:
            async for request in requests:
                self.received += 1
                if self.received > 1:
                    await self.script.play("resolve_stream")
                sequence = StreamResolveRequest.FromString(request).sequence
                yield StreamResolveResponse(sequence=sequence).SerializeToString()
        finally:
            self.streams_open -= 1


def workspace_record(workspace: str) -> WorkspaceRecord:
    """Make a workspace of 1970 plus one and a half seconds."""
    return WorkspaceRecord(workspace, POLICY, 3, "etag-3", 1_500_000, ("a warning",))


@dataclass
class FakeWorkspaces(WorkspacesService):
    """Answers with records made on the spot."""

    script: Script

    async def create_workspace(
        self, workspace: str, policy: bytes | None, preset: str | None, *, validate_only: bool = False
    ) -> WorkspaceRecord:
        """Record and answer."""
        dry = ("dry",) if validate_only else ()
        await self.script.play("create_workspace", workspace, policy, preset, *dry)
        return workspace_record(workspace)

    async def get_workspace(self, workspace: str) -> WorkspaceRecord:
        """Record and answer."""
        await self.script.play("get_workspace", workspace)
        return workspace_record(workspace)

    async def list_workspaces(self, page_size: int, page_token: str) -> Page[WorkspaceRecord]:
        """Record and answer."""
        await self.script.play("list_workspaces", page_size, page_token)
        return Page([workspace_record("a"), workspace_record("b")], "next")

    async def update_policy(
        self, workspace: str, policy: bytes, etag: str, *, validate_only: bool = False
    ) -> WorkspaceRecord:
        """Record and answer."""
        dry = ("dry",) if validate_only else ()
        await self.script.play("update_policy", workspace, policy, etag, *dry)
        return workspace_record(workspace)

    async def list_policy_revisions(
        self, workspace: str, page_size: int, page_token: str
    ) -> Page[PolicyRevisionRecord]:
        """Record and answer."""
        await self.script.play("list_policy_revisions", workspace, page_size, page_token)
        return Page([PolicyRevisionRecord(2, POLICY, -1)], "next")


@dataclass
class FakeImports(ImportService):
    """Answers with the numbers of the messages."""

    script: Script

    def workspace_of(self, message: bytes) -> str | None:
        """Read it."""
        return CoreEngine().imported_workspace(message)

    async def import_profiles(
        self, workspace: str, messages: AsyncIterator[bytes], part: ImportPart = WHOLE_IMPORT
    ) -> bytes:
        """Record and answer the numbers of the messages."""
        received = [message async for message in messages]
        await self.script.play("import_profiles", workspace, received, part)
        return ImportProfilesResponse(profile_ids=range(1, len(received) + 1)).SerializeToString()


@dataclass
class FakeProfiles(ProfilesService):
    """Answers with records made on the spot."""

    script: Script
    page: Page[bytes] = field(default_factory=lambda: Page([], ""))

    async def get_profiles(
        self, workspace: str, profile_ids: list[int], at_least: str, timeout_s: float | None
    ) -> list[ProfileRecord]:
        """Record and answer."""
        await self.script.play("get_profiles", workspace, profile_ids, at_least, timeout_s)
        return [profile_record(profile_id) for profile_id in profile_ids]

    async def list_traits(
        self, workspace: str, profile_id: int, page: PageRequest, timeout_s: float | None
    ) -> Page[SetTraitRecord]:
        """Record and answer: a trait, and one that was removed."""
        await self.script.play("list_traits", workspace, profile_id, page, timeout_s)
        value = Value(string_value="gold").SerializeToString()
        return Page([SetTraitRecord("plan", value, 2_000_001, "r1"), SetTraitRecord("age", None, 5, "r2")], "next")

    async def list_identifiers(
        self, workspace: str, profile_id: int, page: PageRequest, timeout_s: float | None
    ) -> Page[IdentifierRecord]:
        """Record and answer."""
        await self.script.play("list_identifiers", workspace, profile_id, page, timeout_s)
        return Page(list(profile_record(profile_id).identifiers), "")

    async def list_events(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """Record and answer."""
        await self.script.play("list_events", workspace, profile_id, page_size, page_token)
        return self.page

    async def list_history(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """Record and answer."""
        await self.script.play("list_history", workspace, profile_id, page_size, page_token)
        return self.page


def profile_record(profile_id: int) -> ProfileRecord:
    """Make a profile that was merged away into 7."""
    return ProfileRecord(
        profile_id=7,
        identifiers=(IdentifierRecord("email", "Ed@Example.com", "ed@example.com", 2_000_001, 20_000),),
        traits=(TraitRecord("plan", b"\x1a\x04gold"),),
        known=True,
        merges=2,
        source_profile_id=5,
        create_time_us=1_000_000,
        merged_into=0 if profile_id == 7 else 7,
    )
