"""WorkspaceService: workspaces, their policies and the take-over of existing graphs."""

import re
from collections.abc import AsyncIterator, Iterable

import grpc

from utterson.application.calls.imports import ImportService
from utterson.application.workspaces.workspaces import WorkspacesService
from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.domain.imports import ImportPart
from utterson.server.messages import policy_revision_message, workspace_message
from utterson.server.rpc.layers import Context, Handler
from utterson.server.validation import malformed_request
from utterson.v1 import workspace_service_pb2 as messages

SERVICE = "utterson.v1.WorkspaceService"

# What a caller that imports a graph in several calls may send along, for the log.
IMPORT_ID_KEY = "x-import-id"
PROFILES_EXPECTED_KEY = "x-import-profiles"
# The log takes no text of a caller's choice.
_IMPORT_ID = re.compile(r"[0-9a-f]{1,16}")
_COUNT = re.compile(r"[0-9]{1,12}")


class WorkspaceServicer:
    """Maps messages to use cases and back; the field rules hold already."""

    def __init__(self, use_cases: WorkspacesService, imports: ImportService) -> None:
        self._use_cases = use_cases
        self._imports = imports

    async def create_workspace(
        self, request: messages.CreateWorkspaceRequest, context: Context
    ) -> messages.CreateWorkspaceResponse:
        """Make a workspace."""
        del context
        own = request.WhichOneof("policy_source") == "policy"
        record = await self._use_cases.create_workspace(
            request.workspace,
            request.policy.SerializeToString(deterministic=True) if own else None,
            None if own else request.preset,
            validate_only=request.validate_only,
        )
        return messages.CreateWorkspaceResponse(workspace=workspace_message(record), warnings=record.warnings)

    async def get_workspace(
        self, request: messages.GetWorkspaceRequest, context: Context
    ) -> messages.GetWorkspaceResponse:
        """Tell a workspace."""
        del context
        record = await self._use_cases.get_workspace(request.workspace)
        return messages.GetWorkspaceResponse(workspace=workspace_message(record))

    async def list_workspaces(
        self, request: messages.ListWorkspacesRequest, context: Context
    ) -> messages.ListWorkspacesResponse:
        """List the workspaces by id."""
        del context
        page = await self._use_cases.list_workspaces(request.page_size, request.page_token)
        return messages.ListWorkspacesResponse(
            workspaces=[workspace_message(record) for record in page.items], next_page_token=page.next_page_token
        )

    async def update_policy(
        self, request: messages.UpdatePolicyRequest, context: Context
    ) -> messages.UpdatePolicyResponse:
        """Change a workspace's policy."""
        del context
        policy = request.policy.SerializeToString(deterministic=True)
        record = await self._use_cases.update_policy(
            request.workspace, policy, request.etag, validate_only=request.validate_only
        )
        return messages.UpdatePolicyResponse(workspace=workspace_message(record), warnings=record.warnings)

    async def list_policy_revisions(
        self, request: messages.ListPolicyRevisionsRequest, context: Context
    ) -> messages.ListPolicyRevisionsResponse:
        """List the policies that a workspace had."""
        del context
        page = await self._use_cases.list_policy_revisions(request.workspace, request.page_size, request.page_token)
        return messages.ListPolicyRevisionsResponse(
            policy_revisions=[policy_revision_message(record) for record in page.items],
            next_page_token=page.next_page_token,
        )

    async def import_profiles(self, requests: AsyncIterator[bytes], context: Context) -> bytes:
        """Take over an existing graph; the engine reads and checks the messages."""
        first = await anext(requests, None)
        if first is None:
            sentence = "the stream is empty; send at least one profile"
            raise UttersonError(Reason.FIELD_INVALID, sentence, violations=(FieldViolation("", sentence),))
        part = _part_of(context.invocation_metadata() or ())
        workspace = self._imports.workspace_of(first)
        if workspace is None:
            raise malformed_request(messages.ImportProfilesRequest.DESCRIPTOR.full_name)
        return await self._imports.import_profiles(workspace, _rejoined(first, requests), part)


def _part_of(metadata: Iterable[tuple[str, str | bytes]]) -> ImportPart:
    """Read what the caller tells of an import in several calls; what has another form is not told."""
    told = dict(metadata)
    import_id, expected = told.get(IMPORT_ID_KEY), told.get(PROFILES_EXPECTED_KEY)
    return ImportPart(
        import_id if isinstance(import_id, str) and _IMPORT_ID.fullmatch(import_id) else "",
        int(expected) if isinstance(expected, str) and _COUNT.fullmatch(expected) else 0,
    )


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for request in rest:
        yield request


def workspace_handlers(use_cases: WorkspacesService, imports: ImportService) -> dict[str, Handler]:
    """List the handlers by method."""
    servicer = WorkspaceServicer(use_cases, imports)
    return {
        "CreateWorkspace": grpc.unary_unary_rpc_method_handler(
            servicer.create_workspace,
            messages.CreateWorkspaceRequest.FromString,
            messages.CreateWorkspaceResponse.SerializeToString,
        ),
        "GetWorkspace": grpc.unary_unary_rpc_method_handler(
            servicer.get_workspace,
            messages.GetWorkspaceRequest.FromString,
            messages.GetWorkspaceResponse.SerializeToString,
        ),
        "ListWorkspaces": grpc.unary_unary_rpc_method_handler(
            servicer.list_workspaces,
            messages.ListWorkspacesRequest.FromString,
            messages.ListWorkspacesResponse.SerializeToString,
        ),
        "UpdatePolicy": grpc.unary_unary_rpc_method_handler(
            servicer.update_policy,
            messages.UpdatePolicyRequest.FromString,
            messages.UpdatePolicyResponse.SerializeToString,
        ),
        "ListPolicyRevisions": grpc.unary_unary_rpc_method_handler(
            servicer.list_policy_revisions,
            messages.ListPolicyRevisionsRequest.FromString,
            messages.ListPolicyRevisionsResponse.SerializeToString,
        ),
        "ImportProfiles": grpc.stream_unary_rpc_method_handler(servicer.import_profiles),
    }
