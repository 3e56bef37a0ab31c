"""A server on a database of its own, spoken to in bytes; and what the database holds."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import grpc
from google.rpc import status_pb2

from tests.bad_input.refusals import CANARY, status_of
from utterson.v1 import identifier_pb2, policy_pb2
from utterson.v1 import identity_service_pb2 as pb
from utterson.v1 import workspace_service_pb2 as workspaces

TABLES = (
    "workspaces",
    "policies",
    "log",
    "log_payload",
    "profiles",
    "identifiers",
    "traits",
    "events",
    "history",
    "requests",
)
METHODS = {
    "identify": "Identify",
    "login": "Login",
    "logout": "Logout",
    "track": "Track",
    "modify": "Modify",
    "search": "Search",
}
ISOLATION, STRICT, MERGE = "isolation", "strict", "merge"
# Held by the first profile of `isolation`, which is guarded by its customer_id.
HELD = ("email", f"{CANARY}@example.com")


@dataclass
class Target:
    """The server under test."""

    channel: grpc.aio.Channel
    connection: "asyncpg.Connection[asyncpg.Record]"
    # The profiles made beforehand, by name.
    profiles: dict[str, int] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)

    async def send(self, service: str, method: str, request: bytes) -> bytes:
        """Make one call with the request's bytes."""
        call: Any = self.channel.unary_unary(f"/utterson.v1.{service}/{method}")
        answer: bytes = await call(request, timeout=10)
        return answer

    async def refused(self, service: str, method: str, request: bytes) -> status_pb2.Status:
        """Make one call that must be refused."""
        try:
            await self.send(service, method, request)
        except grpc.aio.AioRpcError as error:
            return status_of(error)
        raise AssertionError("the call was not refused")

    async def unary(self, kind: str, request: bytes) -> status_pb2.Status:
        """Make one call of the hot path that must be refused."""
        return await self.refused("IdentityService", METHODS[kind], request)

    async def batch(self, request: bytes) -> list[pb.CallResult]:
        """Make a batch."""
        answer = await self.send("IdentityService", "BatchResolve", request)
        return list(pb.BatchResolveResponse.FromString(answer).results)

    async def stream(self, messages: Sequence[bytes]) -> list[pb.StreamResolveResponse]:
        """Make a stream; it is refused as a whole with an exception."""
        call: Any = self.channel.stream_stream("/utterson.v1.IdentityService/StreamResolve")
        return [pb.StreamResolveResponse.FromString(answer) async for answer in call(iter(messages), timeout=10)]

    async def import_refused(self, messages: Iterable[bytes]) -> status_pb2.Status:
        """Make an import that must be refused."""
        call: Any = self.channel.stream_unary("/utterson.v1.WorkspaceService/ImportProfiles")
        try:
            await call(iter(messages), timeout=10)
        except grpc.aio.AioRpcError as error:
            return status_of(error)
        raise AssertionError("the import was not refused")

    async def state(self) -> dict[str, object]:
        """Tell what the database holds: every head, and how many rows of everything."""
        counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in TABLES)
        row = await self.connection.fetchrow(f"SELECT (SELECT sum(seq) FROM log) AS seqs, {counts}")
        assert row is not None
        return dict(row)


def identifiers(*pairs: tuple[str, str]) -> list[identifier_pb2.Identifier]:
    """Make identifiers."""
    return [identifier_pb2.Identifier(type=name, value=value) for name, value in pairs]


def isolation_policy(unlisted: policy_pb2.UnlistedTypes.ValueType) -> policy_pb2.Policy:
    """Make a policy with a type of each sort."""
    return policy_pb2.Policy(
        identifier_types=[
            policy_pb2.IdentifierType(name="customer_id", unique=True, login=True, immutable=True),
            policy_pb2.IdentifierType(
                name="email", unique=True, login=True, normalization=policy_pb2.NORMALIZATION_EMAIL
            ),
            policy_pb2.IdentifierType(name="phone", normalization=policy_pb2.NORMALIZATION_PHONE, region="GB"),
            policy_pb2.IdentifierType(name="device", blocked=[policy_pb2.BlockedValue(regex=f"^blocked {CANARY}$")]),
        ],
        unlisted_types=unlisted,
        isolation=policy_pb2.IsolationStrategy(
            on_new_known_user=policy_pb2.ON_NEW_KNOWN_USER_CREATE_PROFILE,
            on_logout=policy_pb2.ON_LOGOUT_RETURN_TO_ANONYMOUS,
        ),
    )


MERGE_POLICY = policy_pb2.Policy(
    identifier_types=[
        policy_pb2.IdentifierType(name="user_id", limit=policy_pb2.Limit(max_values=1)),
        policy_pb2.IdentifierType(name="email"),
    ],
    merge=policy_pb2.MergeStrategy(),
)
POLICIES = {
    ISOLATION: isolation_policy(policy_pb2.UNLISTED_TYPES_IGNORE),
    STRICT: isolation_policy(policy_pb2.UNLISTED_TYPES_REJECT),
    MERGE: MERGE_POLICY,
}


async def prepare(target: Target) -> None:
    """Make the workspaces, and in each of them two profiles and a used request id."""
    for name, policy in POLICIES.items():
        made = workspaces.CreateWorkspaceRequest(workspace=name, policy=policy)
        await target.send("WorkspaceService", "CreateWorkspace", made.SerializeToString())
    people = {
        ISOLATION: [[("customer_id", "c1"), HELD], [("customer_id", "c2")]],
        STRICT: [[("customer_id", "c1")], [("customer_id", "c2")]],
        MERGE: [[("user_id", "u1")], [("user_id", "u2")]],
    }
    for workspace, (one, other) in people.items():
        for name, person in ((f"{workspace} 1", one), (f"{workspace} 2", other)):
            # Twice, so that every list has a second page.
            for request_id in (f"used {name}", f"also used {name}"):
                request = pb.TrackRequest(
                    workspace=workspace,
                    identifiers=identifiers(*person),
                    request_id=request_id,
                    event=pb.Event(name="visit", message_id=request_id),
                )
                answer = await target.send("IdentityService", "Track", request.SerializeToString())
                resolution = pb.TrackResponse.FromString(answer).resolution
                target.profiles[name], target.revisions[name] = resolution.profile_id, resolution.revision
        again = workspaces.UpdatePolicyRequest(workspace=workspace, policy=POLICIES[workspace])
        await target.send("WorkspaceService", "UpdatePolicy", again.SerializeToString())


def neighbours(workspace: str) -> tuple[pb.Call, pb.Call]:
    """Two good calls that change nothing, to stand before and after a bad one."""
    person = ("user_id", "u1") if workspace == MERGE else ("customer_id", "c1")
    good = pb.Call(identify=pb.IdentifyRequest(workspace=workspace, identifiers=identifiers(person)))
    dry = pb.Call(
        login=pb.LoginRequest(workspace=workspace, identifiers=identifiers(person, ("device", "x")), validate_only=True)
    )
    if workspace == STRICT:
        dry.login.identifiers[1].type = "email"
        dry.login.identifiers[1].value = "x@example.com"
    return good, dry


async def opened(address: str, database_url: str) -> AsyncIterator[Target]:
    """Connect to a server, and to its database."""
    connection = await asyncpg.connect(database_url)
    async with grpc.aio.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as channel:
        target = Target(channel, connection)
        await prepare(target)
        yield target
    await connection.close()
