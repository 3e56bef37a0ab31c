"""What the servicers ask of the use cases. `main` joins the two."""

from collections.abc import AsyncIterator
from typing import Protocol

from utterson.domain.calls import CallKind
from utterson.domain.errors import UttersonError
from utterson.domain.imports import WHOLE_IMPORT, ImportPart
from utterson.domain.records import Page, PolicyRevisionRecord, ProfileRecord, WorkspaceRecord


class StatusEncoder(Protocol):
    """Turns a refusal into an encoded `google.rpc.Status`, for the results of a batch. The server has it."""

    def __call__(self, error: UttersonError) -> bytes:
        """Encode the status."""
        ...


class IdentityUseCases(Protocol):
    """The hot path. Requests and responses are encoded messages of `utterson.v1`; errors are `UttersonError`."""

    async def resolve(self, kind: CallKind, request: bytes) -> bytes:
        """Answer one unary call: an encoded `IdentifyRequest` (…) in, an encoded `IdentifyResponse` (…) out."""
        ...

    async def resolve_batch(self, request: bytes) -> bytes:
        """Answer an encoded `BatchResolveRequest` with an encoded `BatchResolveResponse`."""
        ...

    def resolve_stream(self, requests: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Answer encoded `StreamResolveRequest`s with encoded `StreamResolveResponse`s, in order."""
        ...


class WorkspaceUseCases(Protocol):
    """Workspaces and their policies. Policies are encoded `utterson.v1.Policy` messages."""

    async def create_workspace(self, workspace: str, policy: bytes | None, preset: str | None) -> WorkspaceRecord:
        """Make a workspace; exactly one of policy and preset is given."""
        ...

    async def get_workspace(self, workspace: str) -> WorkspaceRecord:
        """Tell a workspace."""
        ...

    async def list_workspaces(self, page_size: int, page_token: str) -> Page[WorkspaceRecord]:
        """List workspaces by id; `page_size` as sent by the caller (0 = default)."""
        ...

    async def update_policy(self, workspace: str, policy: bytes, etag: str) -> WorkspaceRecord:
        """Change the policy in the log's order; an empty etag overwrites."""
        ...

    async def list_policy_revisions(
        self, workspace: str, page_size: int, page_token: str
    ) -> Page[PolicyRevisionRecord]:
        """List the policies that a workspace had, newest first."""
        ...

    async def import_profiles(
        self, workspace: str, messages: AsyncIterator[bytes], part: ImportPart = WHOLE_IMPORT
    ) -> bytes:
        """Take over an existing graph, all or nothing.

        Args:
            workspace: the workspace of the first message; every message must name the same.
            messages: encoded `ImportProfilesRequest`s.
            part: which import of several calls this is one of, for the log.

        Returns:
            An encoded `ImportProfilesResponse`.
        """
        ...


class ProfileUseCases(Protocol):
    """Reads. `timeout_s` is what is left of the caller's deadline, None without one."""

    async def get_profiles(
        self, workspace: str, profile_ids: list[int], at_least: str, timeout_s: float | None
    ) -> list[ProfileRecord]:
        """Tell profiles, all from one state; PROFILE_NOT_FOUND names the first that is missing."""
        ...

    async def list_events(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """List encoded `StoredEvent`s, newest first; profile 0 lists the unresolved ones."""
        ...

    async def list_history(self, workspace: str, profile_id: int, page_size: int, page_token: str) -> Page[bytes]:
        """List encoded `HistoryEntry`s, newest first."""
        ...
