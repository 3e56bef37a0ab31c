"""What each refusal says, word for word, and how it is provoked."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from google.protobuf.message import Message
from google.rpc import status_pb2

from tests.bad_input.calls import identify, modify
from tests.bad_input.refusals import CANARY
from tests.bad_input.target import HELD, ISOLATION, MERGE, MERGE_POLICY, STRICT, Target, identifiers
from utterson.domain.errors import Reason
from utterson.v1 import identifier_pb2, policy_pb2
from utterson.v1 import identity_service_pb2 as pb
from utterson.v1 import profile_service_pb2 as profiles
from utterson.v1 import workspace_service_pb2 as workspaces

Change: TypeAlias = identifier_pb2.Change
Provoke = Callable[[Target], Awaitable[status_pb2.Status]]


def call(method: str, request: Message) -> Provoke:
    """Make one call that must be refused."""
    package = type(request).__module__
    service = {"identity": "IdentityService", "profile": "ProfileService", "workspace": "WorkspaceService"}[
        package.rpartition(".")[2].partition("_")[0]
    ]
    return lambda target: target.refused(service, method, request.SerializeToString())


def change(*changes: Change, workspace: str = ISOLATION) -> Provoke:
    """Modify the first profile of a workspace."""

    def provoke(target: Target) -> Awaitable[status_pb2.Status]:
        call = modify(*changes, workspace=workspace, profile_id=target.profiles[f"{workspace} 1"])
        return target.unary("modify", call.modify.SerializeToString())

    return provoke


async def garbage(target: Target) -> status_pb2.Status:
    """Send what is no message."""
    return await target.refused("WorkspaceService", "GetWorkspace", b"\xff\xff")


async def of_elsewhere(target: Target) -> status_pb2.Status:
    """Read with a revision of another workspace."""
    profile_id, token = target.profiles[f"{ISOLATION} 1"], target.revisions[f"{STRICT} 1"]
    request = profiles.GetProfileRequest(workspace=ISOLATION, profile_id=profile_id, at_least=token)
    return await target.refused("ProfileService", "GetProfile", request.SerializeToString())


def asked(kind: str, request: Message) -> Provoke:
    """Make one call of the hot path."""
    return lambda target: target.unary(kind, request.SerializeToString())


def sent(*pairs: tuple[str, str], workspace: str = ISOLATION, request_id: str = "") -> Provoke:
    """Identify."""
    message = identify(workspace=workspace, identifiers=identifiers(*pairs), request_id=request_id)
    return asked("identify", message.identify)


LOGIN = pb.LoginRequest(workspace=ISOLATION, identifiers=identifiers(("device", CANARY)))
LOGOUT = pb.LogoutRequest(workspace=ISOLATION, identifiers=identifiers(("customer_id", CANARY)))
SEARCH = pb.SearchRequest(workspace=MERGE, identifiers=identifiers(("email", CANARY)))
MISSPELT = policy_pb2.Policy(
    identifier_types=[policy_pb2.IdentifierType(name="E-Mail")], merge=policy_pb2.MergeStrategy()
)
# Reason, how it is provoked, message, and the violations: field and description.
Texts: TypeAlias = tuple[Reason, Provoke, str, list[tuple[str, str]]]
TEXTS: dict[str, Texts] = {
    "no identifier": (
        Reason.FIELD_INVALID,
        sent(),
        ("identifiers: must hold at least one identifier"),
        [("identifiers", ("must hold at least one identifier"))],
    ),
    "two faults": (
        Reason.FIELD_INVALID,
        sent(("device", ""), ("A", CANARY), ("device", f"{CANARY}\0")),
        ("identifiers[1].type: must match [a-z][a-z0-9_.]{0,62}; the details name all 2 faults"),
        [
            ("identifiers[1].type", ("must match [a-z][a-z0-9_.]{0,62}")),
            ("identifiers[2].value", ("must not hold the character U+0000")),
        ],
    ),
    "a workspace's name": (
        Reason.FIELD_INVALID,
        call("GetWorkspace", workspaces.GetWorkspaceRequest(workspace=f"X{CANARY}")),
        ("workspace: must match [a-z][a-z0-9-]{0,62}"),
        [("workspace", ("must match [a-z][a-z0-9-]{0,62}"))],
    ),
    "the same on the hot path": (
        Reason.FIELD_INVALID,
        sent(("device", CANARY), workspace=f"X{CANARY}"),
        ("workspace: must match [a-z][a-z0-9-]{0,62}"),
        [("workspace", ("must match [a-z][a-z0-9-]{0,62}"))],
    ),
    "neither policy nor preset": (
        Reason.FIELD_INVALID,
        call("CreateWorkspace", workspaces.CreateWorkspaceRequest(workspace="a")),
        ("policy_source: give policy or preset"),
        [("policy_source", ("give policy or preset"))],
    ),
    "no such preset": (
        Reason.FIELD_INVALID,
        call("CreateWorkspace", workspaces.CreateWorkspaceRequest(workspace="a", preset=CANARY)),
        (
            "there is no such preset; the presets are profile_isolation, profile_link, "
            "profile_conversion, default, best_match, identity_graph_rules, unify"
        ),
        [
            (
                "preset",
                (
                    "must be one of profile_isolation, profile_link, profile_conversion, default, best_match, "
                    "identity_graph_rules, unify"
                ),
            )
        ],
    ),
    "no policy": (
        Reason.FIELD_INVALID,
        call("UpdatePolicy", workspaces.UpdatePolicyRequest(workspace=MERGE)),
        ("policy: must be given"),
        [("policy", ("must be given"))],
    ),
    "no profiles": (
        Reason.FIELD_INVALID,
        call("BatchGetProfiles", profiles.BatchGetProfilesRequest(workspace=MERGE)),
        ("profile_ids: must not be empty"),
        [("profile_ids", ("must not be empty"))],
    ),
    "bytes": (
        Reason.MALFORMED_REQUEST,
        garbage,
        ("the bytes are not an encoded utterson.v1.GetWorkspaceRequest; generate the client from the server's protos"),
        [
            (
                "",
                (
                    "the bytes are not an encoded utterson.v1.GetWorkspaceRequest; generate the client from the"
                    " server's protos"
                ),
            )
        ],
    ),
    "all blocked": (
        Reason.NO_USABLE_IDENTIFIER,
        sent(("device", f"blocked {CANARY}")),
        (
            "identifiers: every one of them is set aside, as blocked, ignored or invalid: send at least"
            " one that can identify somebody"
        ),
        [
            (
                "identifiers",
                (
                    "every one of them is set aside, as blocked, ignored or invalid: send at least one that can"
                    " identify somebody"
                ),
            )
        ],
    ),
    "a logout of a login identifier": (
        Reason.NO_USABLE_IDENTIFIER,
        asked("logout", LOGOUT),
        (
            "identifiers: every one that is left is a login identifier, which a Logout drops: send one of the"
            " device or the session too"
        ),
        [
            (
                "identifiers",
                (
                    "every one that is left is a login identifier, which a Logout drops: send one of the device or"
                    " the session too"
                ),
            )
        ],
    ),
    "a login without": (
        Reason.LOGIN_IDENTIFIER_REQUIRED,
        asked("login", LOGIN),
        ("identifiers: a Login needs a login identifier: send one, or call Identify"),
        [("identifiers", ("a Login needs a login identifier: send one, or call Identify"))],
    ),
    "two values": (
        Reason.TWO_VALUES_OF_UNIQUE_TYPE,
        sent(("customer_id", CANARY), ("customer_id", f"other {CANARY}")),
        ("identifiers[1]: a unique type may have one value in a call: send the value that is meant"),
        [("identifiers[1]", ("a unique type may have one value in a call: send the value that is meant"))],
    ),
    "a type": (
        Reason.TYPE_REJECTED,
        sent(("customer_id", "c1"), ("unlisted", CANARY), workspace=STRICT),
        ("identifiers[1].type: must be a type that the workspace's policy lists"),
        [("identifiers[1].type", ("must be a type that the workspace's policy lists"))],
    ),
    "an empty change": (
        Reason.EMPTY_CHANGE,
        change(Change(type="device", new_value=CANARY), Change(type="device")),
        ("changes[1]: a change needs an old value, a new value or both"),
        [("changes[1]", ("a change needs an old value, a new value or both"))],
    ),
    "a policy": (
        Reason.POLICY_INVALID,
        call("UpdatePolicy", workspaces.UpdatePolicyRequest(workspace=MERGE, policy=MISSPELT)),
        ("the policy has faults; correct the fields named in the details"),
        [("policy.identifier_types[0].name", ("must match [a-z][a-z0-9_.]{0,62}"))],
    ),
    "a page token": (
        Reason.PAGE_TOKEN_INVALID,
        call("ListWorkspaces", workspaces.ListWorkspacesRequest(page_token=CANARY)),
        ("the page token is not one of this list; leave it empty to begin anew, and keep the other arguments"),
        [("page_token", ("must be the next_page_token of the page before"))],
    ),
    "a revision": (
        Reason.REVISION_INVALID,
        of_elsewhere,
        ("the revision is not one of this workspace; give one that it answered"),
        [("at_least", ("must be a revision of this workspace"))],
    ),
    "no workspace": (
        Reason.WORKSPACE_NOT_FOUND,
        call("GetWorkspace", workspaces.GetWorkspaceRequest(workspace="nowhere")),
        ("there is no such workspace; make it with CreateWorkspace"),
        [],
    ),
    "no profile": (
        Reason.PROFILE_NOT_FOUND,
        call("GetProfile", profiles.GetProfileRequest(workspace=MERGE, profile_id=5)),
        ("there is no such profile in the workspace; look it up by an identifier with Search"),
        [],
    ),
    "no hit": (
        Reason.NO_MATCH,
        asked("search", SEARCH),
        ("nobody is found by these identifiers: an Identify with them would create a profile"),
        [],
    ),
    "a workspace that exists": (
        Reason.WORKSPACE_EXISTS,
        call("CreateWorkspace", workspaces.CreateWorkspaceRequest(workspace=MERGE, preset="unify")),
        ("a workspace of this id exists; choose another id, or change its policy with UpdatePolicy"),
        [],
    ),
    "an id used before": (
        Reason.REQUEST_ID_REUSED,
        sent(("device", CANARY), request_id="used isolation 1"),
        (
            "this request_id or message_id was used for a call with another content: send the same call"
            " again, or use a new id"
        ),
        [
            (
                "",
                (
                    "this request_id or message_id was used for a call with another content: send the same call"
                    " again, or use a new id"
                ),
            )
        ],
    ),
    "an immutable value": (
        Reason.IMMUTABLE_IDENTIFIER,
        change(Change(type="customer_id", old_value="c1")),
        ("changes[0]: an immutable identifier keeps its value once it is set: leave it out of the changes"),
        [("changes[0]", ("an immutable identifier keeps its value once it is set: leave it out of the changes"))],
    ),
    "held by a guarded profile": (
        Reason.IDENTIFIERS_HELD_BY_OTHERS,
        sent(HELD),
        (
            "other profiles hold every identifier of this call, so a new profile would have none: move "
            "one with Modify, or send an identifier that is free"
        ),
        [
            (
                "",
                (
                    "other profiles hold every identifier of this call, so a new profile would have none: move "
                    "one with Modify, or send an identifier that is free"
                ),
            )
        ],
    ),
    "over a limit": (
        Reason.LIMIT_EXCEEDED,
        change(Change(type="user_id", new_value=f"u {CANARY}"), workspace=MERGE),
        (
            "changes[0]: the profile would hold 2 values of user_id in its limit's window, and the policy"
            " allows 1: remove one in the same call, or raise the limit"
        ),
        [
            (
                "changes[0]",
                (
                    "the profile would hold 2 values of user_id in its limit's window, and the policy allows 1:"
                    " remove one in the same call, or raise the limit"
                ),
            )
        ],
    ),
    "another family": (
        Reason.POLICY_CHANGE_FORBIDDEN,
        call("UpdatePolicy", workspaces.UpdatePolicyRequest(workspace=ISOLATION, policy=MERGE_POLICY)),
        ("stored profiles forbid this change of the policy: keep the fields named, or use a new workspace"),
        [
            ("policy", ("must keep its strategy while profiles exist")),
            ("policy.identifier_types[1].normalization", ("must stay as it was while profiles exist")),
            ("policy.default_type.normalization", ("must stay as it was while profiles exist")),
        ],
    ),
    "an etag": (
        Reason.ETAG_MISMATCH,
        call("UpdatePolicy", workspaces.UpdatePolicyRequest(workspace=MERGE, policy=MERGE_POLICY, etag=CANARY)),
        ("somebody else changed the policy first; read the workspace again and repeat the change on it"),
        [],
    ),
}
