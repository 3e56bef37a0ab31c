"""The table of calls that every way of sending must refuse."""

import math
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from tests.bad_input.refusals import CANARY, MISSING, PRECONDITION, Case, Refusal
from tests.bad_input.target import HELD, ISOLATION, STRICT, identifiers
from utterson.v1 import identifier_pb2
from utterson.v1 import identity_service_pb2 as pb

GOOD = identifiers(("device", f"good {CANARY}"))
UNKNOWN_WORKSPACE = "nowhere"
ID_LIMIT = 2**53
LONG_TEXT = CANARY + "x" * 256


def invalid(*fields: str, reason: str = "FIELD_INVALID") -> Refusal:
    """Expect INVALID_ARGUMENT."""
    return Refusal(reason, fields)


def identify(**fields: Any) -> pb.Call:
    """Make an Identify call, good but for what is given."""
    given: dict[str, Any] = {"workspace": ISOLATION, "identifiers": GOOD} | fields
    return pb.Call(identify=pb.IdentifyRequest(**given))


def track(event: pb.Event, **fields: Any) -> pb.Call:
    """Make a Track call."""
    given: dict[str, Any] = {"workspace": ISOLATION, "identifiers": GOOD, "event": event} | fields
    return pb.Call(track=pb.TrackRequest(**given))


def modify(*changes: identifier_pb2.Change, **fields: Any) -> pb.Call:
    """Make a Modify call of a profile that does not exist, unless told."""
    given: dict[str, Any] = {"workspace": ISOLATION, "profile_id": 5, "changes": changes} | fields
    return pb.Call(modify=pb.ModifyRequest(**given))


def one(type_name: str, value: str) -> pb.Call:
    """Make an Identify call with one identifier."""
    return identify(identifiers=identifiers((type_name, value)))


def struct(**values: Value) -> Struct:
    """Make a Struct of ready values."""
    return Struct(fields=values)


def nested(depth: int) -> Value:
    """Make a list in a list in a list."""
    value = Value(string_value=CANARY)
    for _ in range(depth):
        value = Value(list_value=ListValue(values=[value]))
    return value


VALUE = invalid("identifiers[0].value")
TYPE = invalid("identifiers[0].type")
VALUES = [
    Case("empty value", one("device", ""), VALUE),
    Case("U+0000", one("device", f"{CANARY}\0"), VALUE),
    Case("control character", one("device", f"{CANARY}\n"), VALUE),
    Case("delete character", one("device", f"{CANARY}\x7f"), VALUE),
    Case("C1 control character", one("device", f"{CANARY}\x85"), VALUE),
    Case("unassigned character", one("device", f"{CANARY}\u0378"), VALUE),
    Case("zero width space", one("device", f"{CANARY}\u200b"), VALUE),
    Case("zero width joiner", one("device", f"{CANARY}\u200d"), VALUE),
    Case("bidi override", one("device", f"\u202e{CANARY}"), VALUE),
    Case("byte order mark", one("device", f"\ufeff{CANARY}"), VALUE),
    Case("513 bytes", one("device", CANARY + "x" * (513 - len(CANARY))), VALUE),
    Case("grows under NFKC", one("email", CANARY + "\ufdfa" * 100), VALUE),
    Case("empty after C1", one("email", " \u3000 "), VALUE),
    Case("no phone number", one("phone", CANARY), VALUE),
    Case("not UTF-8", one("device", CANARY), invalid("", reason="MALFORMED_REQUEST"), garbled=True),
    Case("empty type", one("", CANARY), TYPE),
    Case("type in capitals", one("Device", CANARY), TYPE),
    Case("type begins with a digit", one("1device", CANARY), TYPE),
    Case("type with a dash", one("dev-ice", CANARY), TYPE),
    Case("type of 64 characters", one("d" * 64, CANARY), TYPE),
    Case("no identifier", identify(identifiers=[]), invalid("identifiers")),
    Case("33 identifiers", identify(identifiers=GOOD * 33), invalid("identifiers")),
    Case(
        "every fault is named",
        identify(
            identifiers=identifiers(("", ""), ("device", "ok"), ("device", "\0")),
            request_id=LONG_TEXT,
            event_time=Timestamp(nanos=-1),
            consistency=99,
            previous_profile_id=-1,
        ),
        invalid(
            "identifiers[0].type",
            "identifiers[2].value",
            "previous_profile_id",
            "event_time",
            "request_id",
            "consistency",
        ),
    ),
]

FIELDS = [
    Case("request id of 257 bytes", identify(request_id=LONG_TEXT[:257]), invalid("request_id")),
    Case("U+0000 in a request id", identify(request_id=f"{CANARY}\0"), invalid("request_id")),
    Case("request id not UTF-8", identify(request_id=CANARY), invalid("", reason="MALFORMED_REQUEST"), garbled=True),
    Case("unknown consistency", identify(consistency=3), invalid("consistency")),
    Case("negative consistency", identify(consistency=-1), invalid("consistency")),
    Case("before the year 1", identify(event_time=Timestamp(seconds=-62_135_596_801)), invalid("event_time")),
    Case("after the year 9999", identify(event_time=Timestamp(seconds=253_402_300_800)), invalid("event_time")),
    Case("negative nanoseconds", identify(event_time=Timestamp(seconds=5, nanos=-1)), invalid("event_time")),
    Case("too many nanoseconds", identify(event_time=Timestamp(nanos=1_000_000_000)), invalid("event_time")),
    Case("negative previous id", identify(previous_profile_id=-1), invalid("previous_profile_id")),
    Case("previous id of 2^53", identify(previous_profile_id=ID_LIMIT), invalid("previous_profile_id")),
    Case("malformed workspace", identify(workspace=f"X{CANARY}"), invalid("workspace")),
    Case("workspace of 64 characters", identify(workspace="w" * 64), invalid("workspace")),
    Case("unknown workspace", identify(workspace=UNKNOWN_WORKSPACE), Refusal("WORKSPACE_NOT_FOUND", code=MISSING)),
    Case(
        "field faults before the workspace",
        identify(workspace=UNKNOWN_WORKSPACE, identifiers=[]),
        invalid("identifiers"),
    ),
    Case("event name of 257 bytes", track(pb.Event(name=LONG_TEXT[:257])), invalid("event.name")),
    Case("U+0000 in an event name", track(pb.Event(name=f"{CANARY}\0")), invalid("event.name")),
    Case("message id of 257 bytes", track(pb.Event(message_id=LONG_TEXT[:257])), invalid("event.message_id")),
    Case("U+0000 in a message id", track(pb.Event(message_id=f"{CANARY}\0")), invalid("event.message_id")),
]

_BAD_VALUES = {
    "NaN": Value(number_value=math.nan),
    "infinity": Value(number_value=math.inf),
    "minus infinity": Value(number_value=-math.inf),
    "U+0000": Value(string_value=f"{CANARY}\0"),
    "U+0000 in a nested name": Value(struct_value=Struct(fields={f"{CANARY}\0": Value(bool_value=True)})),
    "NaN in a list": Value(list_value=ListValue(values=[Value(number_value=math.nan)])),
    "64 KiB": Value(string_value=CANARY + "x" * 65_536),
    "nested too deep": nested(25),
    "no kind": Value(),
}
STRUCTS = [
    *(
        Case(f"trait: {name}", identify(traits=struct(age=value)), invalid("traits"))
        for name, value in _BAD_VALUES.items()
    ),
    *(
        Case(f"property: {name}", track(pb.Event(properties=struct(age=value))), invalid("event.properties"))
        for name, value in _BAD_VALUES.items()
    ),
    Case("trait name of 257 bytes", identify(traits=struct(**{LONG_TEXT[:257]: Value()})), invalid("traits")),
    Case("U+0000 in a trait name", identify(traits=struct(**{"\0": Value(bool_value=True)})), invalid("traits")),
    Case(
        "trait not UTF-8",
        identify(identifiers=identifiers(("device", "d")), traits=struct(age=Value(string_value=CANARY))),
        invalid("", reason="MALFORMED_REQUEST"),
        garbled=True,
    ),
]

_TWO = invalid("identifiers[1]", reason="TWO_VALUES_OF_UNIQUE_TYPE")
RULES = [
    Case("C5 all blocked", one("device", f"blocked {CANARY}"), invalid("identifiers", reason="NO_USABLE_IDENTIFIER")),
    Case("C5 all ignored", one("unlisted", CANARY), invalid("identifiers", reason="NO_USABLE_IDENTIFIER")),
    Case(
        "I4 no login identifier",
        pb.Call(login=pb.LoginRequest(workspace=ISOLATION, identifiers=GOOD)),
        invalid("identifiers", reason="LOGIN_IDENTIFIER_REQUIRED"),
    ),
    Case(
        "I6 login identifiers only",
        pb.Call(logout=pb.LogoutRequest(workspace=ISOLATION, identifiers=identifiers(("customer_id", CANARY)))),
        invalid("identifiers", reason="NO_USABLE_IDENTIFIER"),
    ),
    Case(
        "two values of a unique type",
        identify(identifiers=identifiers(("email", CANARY), ("email", f"{CANARY}@example.com"))),
        _TWO,
    ),
    Case(
        "two values of an immutable type",
        identify(identifiers=identifiers(("customer_id", CANARY), ("customer_id", f"other {CANARY}"))),
        _TWO,
    ),
    Case(
        "unlisted types are rejected",
        identify(workspace=STRICT, identifiers=identifiers(("customer_id", "c1"), ("unlisted", CANARY))),
        invalid("identifiers[1].type", reason="TYPE_REJECTED"),
    ),
    Case(
        "I5 all held by others, who are guarded",
        one(*HELD),
        Refusal("IDENTIFIERS_HELD_BY_OTHERS", code=PRECONDITION),
    ),
    Case(
        "request id reused",
        identify(request_id="used isolation 1"),
        Refusal("REQUEST_ID_REUSED", code=PRECONDITION),
    ),
    Case(
        "message id reused",
        track(pb.Event(name="another", message_id="used isolation 1")),
        Refusal("REQUEST_ID_REUSED", code=PRECONDITION),
    ),
]

_ADD = identifier_pb2.Change(type="device", new_value=CANARY)
_PROFILE = invalid("profile_id")
MODIFIES = [
    Case("profile 0", modify(_ADD, profile_id=0), _PROFILE),
    Case("negative profile", modify(_ADD, profile_id=-1), _PROFILE),
    Case("profile 2^53", modify(_ADD, profile_id=ID_LIMIT), _PROFILE),
    Case("profile that never was", modify(_ADD), Refusal("PROFILE_NOT_FOUND", code=MISSING)),
    Case("no change", modify(), invalid("changes")),
    Case("33 changes", modify(*[_ADD] * 33), invalid("changes")),
    Case("identifiers", modify(_ADD, identifiers=GOOD), invalid("identifiers")),
    Case("malformed type", modify(identifier_pb2.Change(type="A", new_value=CANARY)), invalid("changes[0].type")),
    Case(
        "malformed new value",
        modify(_ADD, identifier_pb2.Change(type="device", new_value=f"{CANARY}\0")),
        invalid("changes[1].new_value"),
    ),
    Case(
        "malformed old value",
        modify(identifier_pb2.Change(type="device", old_value=f"{CANARY}\0")),
        invalid("changes[0].old_value"),
    ),
]

CASES = [*VALUES, *FIELDS, *STRUCTS, *RULES, *MODIFIES]
