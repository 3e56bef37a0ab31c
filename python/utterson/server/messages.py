"""Records of the use cases as messages of the API. Nothing is decided here."""

from collections.abc import Sequence

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from utterson.domain.records import (
    IdentifierRecord,
    PolicyRevisionRecord,
    ProfileRecord,
    SetTraitRecord,
    TraitRecord,
    WorkspaceRecord,
)
from utterson.scheduling import in_slices
from utterson.v1.identifier_pb2 import Identifier
from utterson.v1.policy_pb2 import Policy
from utterson.v1.profile_service_pb2 import Profile, ProfileIdentifier, Trait
from utterson.v1.workspace_service_pb2 import PolicyRevision, Workspace

SECONDS_OF_DAY = 86_400
# The wire type of what is told with its length.
LENGTH_DELIMITED = 2


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


async def profile_message(record: ProfileRecord) -> Profile:
    """Make the message of a profile, a few identifiers at a time; their order is kept."""
    return Profile(
        profile_id=record.profile_id,
        identifiers=[identifier_message(identifier) async for identifier in in_slices(record.identifiers)],
        traits=await _traits(record.traits),
        known=record.known,
        orphaned=record.orphaned,
        merges=record.merges,
        source_profile_id=record.source_profile_id,
        create_time=timestamp(record.create_time_us),
        traits_truncated=record.traits_truncated,
        identifiers_truncated=record.identifiers_truncated,
    )


def identifier_message(record: IdentifierRecord) -> ProfileIdentifier:
    """Make the message of an identifier that a profile holds."""
    return ProfileIdentifier(
        identifier=Identifier(type=record.type, value=record.raw_value),
        normalized_value=record.normalized_value,
        create_time=timestamp(record.create_time_us),
        last_seen_time=Timestamp(seconds=record.seen_day * SECONDS_OF_DAY),
        revision=record.revision,
    )


def trait_message(record: SetTraitRecord) -> Trait:
    """Make the message of a trait with its time."""
    return Trait(
        name=record.name,
        value=None if record.value is None else Value.FromString(record.value),
        event_time=timestamp(record.event_time_us),
        revision=record.revision,
        removed=record.value is None,
    )


async def _traits(records: tuple[TraitRecord, ...]) -> Struct:
    return Struct(fields={record.name: Value.FromString(record.value) async for record in in_slices(records)})


def list_of_encoded(response: Message, field: str, items: Sequence[bytes]) -> bytes:
    """Encode a response together with a list of messages that are encoded already: nothing is made of them.

    Args:
        response: all but the list.
        field: the name of the list.
        items: the encoded messages.
    """
    key = _varint(response.DESCRIPTOR.fields_by_name[field].number << 3 | LENGTH_DELIMITED)
    told = [part for item in items for part in (key, _varint(len(item)), item)]
    return b"".join((response.SerializeToString(), *told))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def timestamp(time_us: int) -> Timestamp:
    """Make a timestamp from microseconds since 1970; exact, also before 1970."""
    seconds, rest_us = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest_us * 1_000)
