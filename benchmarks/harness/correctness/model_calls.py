"""A workload's requests as calls of the reference model."""

from pathlib import Path

from google.protobuf import json_format
from tests.agreement.messages import KIND_NUMBERS, REQUESTS, Request
from tests.model.records import Call, Event, Identifier, ImportMessage, JsonValue, Kind

from benchmarks.harness import frames
from utterson.v1 import identity_service_pb2 as identity
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

# By the number of the call kind.
KINDS: dict[int, tuple[Kind, type[Request]]] = {number: (kind, REQUESTS[kind]) for kind, number in KIND_NUMBERS.items()}


def read_calls(file: Path) -> list[Call]:
    """Read a calls file; times are the places in it, in seconds. A Modify names its profile by its ordinal there."""
    return [model_call(*frame, place) for place, frame in enumerate(frames.calls(file))]


def model_call(kind: int, encoded: bytes, place: int) -> Call:
    """Turn one request into a call of the model."""
    model_kind, message = KINDS[kind]
    request = message.FromString(encoded)
    event = None
    if isinstance(request, identity.TrackRequest) and request.HasField("event"):
        properties: dict[str, JsonValue] = json_format.MessageToDict(request.event.properties)
        event = Event(request.event.name, properties, request.event.message_id)
    changes: tuple[tuple[str, str, str], ...] = ()
    profile = 0
    if isinstance(request, identity.ModifyRequest):
        changes = tuple((one.type, one.old_value, one.new_value) for one in request.changes)
        profile = request.profile_id
    return Call(
        kind=model_kind,
        identifiers=pairs(request),
        now_us=1_000_000 * place,
        request_id=request.request_id,
        event=event,
        profile=profile,
        changes=changes,
    )


def read_population(file: Path) -> list[ImportMessage]:
    """Read a population file."""
    requests = (ImportProfilesRequest.FromString(encoded) for encoded in frames.population(file))
    return [ImportMessage(pairs(request), merges=request.merges) for request in requests]


def pairs(request: Request | ImportProfilesRequest) -> tuple[Identifier, ...]:
    """Tell a request's identifiers."""
    return tuple((identifier.type, identifier.value) for identifier in request.identifiers)
