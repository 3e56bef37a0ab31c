"""Records of the use cases as messages of the API. Nothing is decided here."""

from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from utterson.domain.records import IdentifierRecord, PolicyRevisionRecord, ProfileRecord, TraitRecord, WorkspaceRecord
from utterson.v1.identifier_pb2 import Identifier
from utterson.v1.policy_pb2 import Policy
from utterson.v1.profile_service_pb2 import Profile, ProfileIdentifier
from utterson.v1.workspace_service_pb2 import PolicyRevision, Workspace

SECONDS_OF_DAY = 86_400


def workspace_message(record: WorkspaceRecord) -> Workspace:
    """Make the message of a workspace."""
    return Workspace(
        workspace=record.workspace,
        policy=Policy.FromString(record.policy),
        policy_revision=record.policy_revision,
        etag=record.etag,
        create_time=timestamp(record.create_time_us),
    )


def policy_revision_message(record: PolicyRevisionRecord) -> PolicyRevision:
    """Make the message of one policy that a workspace had."""
    return PolicyRevision(
        policy_revision=record.policy_revision,
        policy=Policy.FromString(record.policy),
        create_time=timestamp(record.create_time_us),
    )


def profile_message(record: ProfileRecord) -> Profile:
    """Make the message of a profile; the order of identifiers is kept."""
    return Profile(
        profile_id=record.profile_id,
        identifiers=[_profile_identifier(identifier) for identifier in record.identifiers],
        traits=_traits(record.traits),
        known=record.known,
        orphaned=record.orphaned,
        merges=record.merges,
        source_profile_id=record.source_profile_id,
        create_time=timestamp(record.create_time_us),
    )


def _profile_identifier(record: IdentifierRecord) -> ProfileIdentifier:
    return ProfileIdentifier(
        identifier=Identifier(type=record.type, value=record.raw_value),
        normalized_value=record.normalized_value,
        create_time=timestamp(record.create_time_us),
        last_seen_time=Timestamp(seconds=record.seen_day * SECONDS_OF_DAY),
    )


def _traits(records: tuple[TraitRecord, ...]) -> Struct:
    return Struct(fields={record.name: Value.FromString(record.value) for record in records})


def timestamp(time_us: int) -> Timestamp:
    """Make a timestamp from microseconds since 1970; exact, also before 1970."""
    seconds, rest_us = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest_us * 1_000)
