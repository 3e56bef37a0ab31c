"""The calls of the workspace service: workspaces, their policies and the take-over of existing graphs."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, overload

import grpc

from utterson.client.checks import kind_of, list_of, one_of, yes_or_no
from utterson.client.imports import held_open, import_messages, import_metadata, place_of_profile, profile_message
from utterson.client.paging import all_pages
from utterson.client.refusal import CallRefused
from utterson.client.requests import ImportedProfile
from utterson.client.retrying import Retrier
from utterson.client.values import FieldError, text, whole_number
from utterson.v1 import policy_pb2, workspace_service_pb2_grpc
from utterson.v1 import workspace_service_pb2 as pb

IMPORT_TIMEOUT_S: Final = 60.0
ONE_OF_THEM: Final = "give either a policy or the name of a preset"
POLICY: Final = "a Policy of policy_pb2 (the name of a preset is given as preset)"


class WorkspaceCalls:
    """The calls of the workspace service; all of them raise CallRefused where the server says no.

    A value that cannot be sent is a FieldError, a ValueError that names the field.
    """

    def __init__(self, channel: grpc.aio.Channel, retrier: Retrier) -> None:
        self._workspaces = workspace_service_pb2_grpc.WorkspaceServiceStub(channel)
        # The stub's own method would make messages of profiles that are encoded already.
        self._import: grpc.aio.StreamUnaryMultiCallable[bytes, pb.ImportProfilesResponse] = channel.stream_unary(
            f"/{pb.DESCRIPTOR.services_by_name['WorkspaceService'].full_name}/ImportProfiles",
            response_deserializer=pb.ImportProfilesResponse.FromString,
        )
        self._retrier = retrier

    @overload
    async def create_workspace(
        self, workspace: str, *, policy: policy_pb2.Policy, validate_only: bool = False, timeout_s: float | None = None
    ) -> pb.CreateWorkspaceResponse: ...

    @overload
    async def create_workspace(
        self, workspace: str, *, preset: str, validate_only: bool = False, timeout_s: float | None = None
    ) -> pb.CreateWorkspaceResponse: ...

    async def create_workspace(
        self,
        workspace: str,
        *,
        policy: policy_pb2.Policy | None = None,
        preset: str | None = None,
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> pb.CreateWorkspaceResponse:
        """Make a workspace with a policy of its own or a preset; with `validate_only` only tell what it would be.

        It carries no request id, so it is not repeated where its outcome is unknown.
        """
        if (policy is None) == (preset is None):
            raise FieldError("policy", ONE_OF_THEM)
        request = pb.CreateWorkspaceRequest(
            workspace=text(workspace, "workspace"), validate_only=yes_or_no(validate_only, "validate_only")
        )
        if policy is not None:
            request.policy.CopyFrom(one_of(policy, policy_pb2.Policy, "policy", POLICY))
        else:
            request.preset = text(preset, "preset")
        return await self._retrier.run(
            lambda left_s: self._workspaces.CreateWorkspace(request, timeout=left_s),
            timeout_s=timeout_s,
            repeatable=validate_only,
        )

    async def get_workspace(self, workspace: str, *, timeout_s: float | None = None) -> pb.Workspace:
        """Tell a workspace and its policy, presets expanded."""
        request = pb.GetWorkspaceRequest(workspace=text(workspace, "workspace"))
        answer = await self._retrier.run(
            lambda left_s: self._workspaces.GetWorkspace(request, timeout=left_s), timeout_s=timeout_s
        )
        return answer.workspace

    def list_workspaces(self, *, page_size: int = 0, timeout_s: float | None = None) -> AsyncIterator[pb.Workspace]:
        """List the workspaces by id; `page_size` and `timeout_s` are each page's."""

        async def read_page(token: str) -> pb.ListWorkspacesResponse:
            request = pb.ListWorkspacesRequest(
                page_size=whole_number(page_size, "page_size", bits=31), page_token=token
            )
            return await self._retrier.run(
                lambda left_s: self._workspaces.ListWorkspaces(request, timeout=left_s), timeout_s=timeout_s
            )

        return all_pages(read_page, lambda page: page.workspaces)

    async def update_policy(
        self,
        workspace: str,
        policy: policy_pb2.Policy,
        *,
        etag: str = "",
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> pb.UpdatePolicyResponse:
        """Change the policy from the next call on.

        It carries no request id, so it is not repeated where its outcome is unknown.

        Args:
            workspace: the workspace's id.
            policy: the new policy, whole.
            etag: of the policy that this one was written against; empty overwrites whatever is there.
            validate_only: tell what would be, warnings included, and change nothing.
            timeout_s: the deadline over all attempts, in seconds.
        """
        request = pb.UpdatePolicyRequest(
            workspace=text(workspace, "workspace"),
            policy=one_of(policy, policy_pb2.Policy, "policy", POLICY),
            etag=text(etag, "etag"),
            validate_only=yes_or_no(validate_only, "validate_only"),
        )
        return await self._retrier.run(
            lambda left_s: self._workspaces.UpdatePolicy(request, timeout=left_s),
            timeout_s=timeout_s,
            repeatable=validate_only,
        )

    def list_policy_revisions(
        self, workspace: str, *, page_size: int = 0, timeout_s: float | None = None
    ) -> AsyncIterator[pb.PolicyRevision]:
        """List every policy that the workspace had, newest first; `page_size` and `timeout_s` are each page's."""

        async def read_page(token: str) -> pb.ListPolicyRevisionsResponse:
            request = pb.ListPolicyRevisionsRequest(
                workspace=text(workspace, "workspace"),
                page_size=whole_number(page_size, "page_size", bits=31),
                page_token=token,
            )
            return await self._retrier.run(
                lambda left_s: self._workspaces.ListPolicyRevisions(request, timeout=left_s), timeout_s=timeout_s
            )

        return all_pages(read_page, lambda page: page.policy_revisions)

    async def import_profiles(
        self,
        workspace: str,
        profiles: Iterable[ImportedProfile],
        *,
        request_id: str = "",
        import_id: str = "",
        profiles_expected: int = 0,
        after: asyncio.Future[None] | None = None,
        timeout_s: float = IMPORT_TIMEOUT_S,
    ) -> list[int]:
        """Take over an existing graph, oldest profile first, all or nothing; answer the ids in order.

        Args:
            workspace: the workspace's id.
            profiles: at most 100,000.
            request_id: makes the call repeatable; empty means a new random one.
            import_id: up to 16 hexadecimal digits, the same in all calls of one import: the server's log counts them
                together.
            profiles_expected: about how many profiles all calls hold: the server's log tells the time left.
            after: the profiles travel at once, but are not taken over before this is done; where it fails, never.
            timeout_s: the deadline over all attempts, in seconds.

        Raises:
            FieldError: a value cannot be sent; the field begins with `profiles[7]`.
            CallRefused: a violation's subject names the profile by its place, such as `profiles[7].identifiers[0]`.
        """
        encoded = [
            profile_message(profile, f"profiles[{place}]").SerializeToString()
            for place, profile in enumerate(list_of(profiles, "profiles", "ImportedProfiles"))
        ]
        answer = await self.import_encoded(
            workspace,
            encoded,
            request_id=text(request_id, "request_id") or str(uuid.uuid4()),
            import_id=import_id,
            profiles_expected=profiles_expected,
            after=after,
            timeout_s=timeout_s,
        )
        return list(answer.profile_ids)

    async def import_encoded(
        self,
        workspace: str,
        profiles: Sequence[bytes],
        *,
        request_id: str,
        import_id: str = "",
        profiles_expected: int = 0,
        after: asyncio.Future[None] | None = None,
        timeout_s: float = IMPORT_TIMEOUT_S,
    ) -> pb.ImportProfilesResponse:
        """Take over encoded `ImportedProfile`s; the answer tells whether the same call did it before.

        Arguments and refusals are those of `import_profiles`.
        """
        messages = import_messages(workspace, profiles, request_id)
        metadata = import_metadata(import_id, profiles_expected)
        if after is not None:
            kind_of(after, asyncio.Future, "after", "an asyncio Future or Task")
        try:
            return await self._retrier.run(
                lambda left_s: self._import(held_open(messages, after), timeout=left_s, metadata=metadata),
                timeout_s=timeout_s,
            )
        except CallRefused as refusal:
            raise refusal.naming(place_of_profile) from None
