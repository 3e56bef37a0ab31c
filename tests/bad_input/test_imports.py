"""Imports: all or nothing, and the first faulty message named by its index."""

import math
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from tests.bad_input.calls import UNKNOWN_WORKSPACE, invalid
from tests.bad_input.refusals import CANARY, MISSING, NOT_TEXT, PRECONDITION, Refusal
from tests.bad_input.target import ISOLATION, MERGE, STRICT, Target, identifiers
from utterson.v1 import workspace_service_pb2 as pb


def message(*pairs: tuple[str, str], workspace: str = ISOLATION, **fields: Any) -> pb.ImportProfilesRequest:
    """Make one profile."""
    return pb.ImportProfilesRequest(workspace=workspace, identifiers=identifiers(*pairs), **fields)


def many(*profiles: pb.ImportedProfile, **fields: Any) -> pb.ImportProfilesRequest:
    """Make a message of many profiles."""
    return pb.ImportProfilesRequest(workspace=ISOLATION, profiles=profiles, **fields)


def one(*pairs: tuple[str, str], **fields: Any) -> pb.ImportedProfile:
    """Make one of many profiles."""
    return pb.ImportedProfile(identifiers=identifiers(*pairs), **fields)


GOOD = message(("device", f"imported {CANARY}"))
MERGE_GOOD = message(("email", f"imported {CANARY}"), workspace=MERGE)
HELD = "IDENTIFIERS_HELD_BY_OTHERS"
CASES: dict[str, tuple[list[pb.ImportProfilesRequest], Refusal]] = {
    "no identifier": ([GOOD, message()], invalid("messages[1].identifiers")),
    "several faults, first message only": (
        [GOOD, message(("A", "\0"), request_id="x" * 257), message()],
        invalid(
            "messages[1].request_id",
            "messages[1].request_id",
            "messages[1].identifiers[0].type",
            "messages[1].identifiers[0].value",
        ),
    ),
    "control character": (
        [GOOD, GOOD, message(("device", f"{CANARY}\n"))],
        invalid("messages[2].identifiers[0].value"),
    ),
    "U+0000": ([message(("device", f"{CANARY}\0"))], invalid("messages[0].identifiers[0].value")),
    "no phone number": ([GOOD, message(("phone", CANARY))], invalid("messages[1].identifiers[0].value")),
    "NaN": (
        [message(("device", CANARY), traits=Struct(fields={"age": Value(number_value=math.nan)}))],
        invalid("messages[0].traits"),
    ),
    "U+0000 in a trait": (
        [message(("device", CANARY), traits=Struct(fields={"age": Value(string_value="\0")}))],
        invalid("messages[0].traits"),
    ),
    "traits of 64 KiB": (
        [message(("device", CANARY), traits=Struct(fields={"age": Value(string_value="x" * 65_536)}))],
        invalid("messages[0].traits"),
    ),
    "time out of range": (
        [message(("device", CANARY), create_time=Timestamp(seconds=253_402_300_800))],
        invalid("messages[0].create_time"),
    ),
    "too many merges": ([message(("device", CANARY), merges=2**31)], invalid("messages[0].merges")),
    "one of many": (
        [GOOD, many(one(("device", "a")), one(("device", f"{CANARY}\n")))],
        invalid("messages[1].profiles[1].identifiers[0].value"),
    ),
    "one of many has no identifier": (
        [many(one(("device", "a")), one()), message()],
        invalid("messages[0].profiles[1].identifiers"),
    ),
    "one and many": (
        [many(one(("device", "a")), merges=1)],
        invalid("messages[0].profiles"),
    ),
    "one of many is held by a stored profile": (
        [GOOD, many(one(("device", "a")), one(("customer_id", "c1")))],
        Refusal(HELD, code=PRECONDITION),
    ),
    "too many of many": (
        [many(*[one(("device", str(number))) for number in range(1_000)])] * 100 + [GOOD],
        invalid("messages[100]"),
    ),
    "another workspace": ([GOOD, MERGE_GOOD], invalid("messages[1].workspace")),
    "another request id": ([GOOD, message(("device", "d"), request_id="late")], invalid("messages[1].request_id")),
    "unknown workspace": (
        [message(("device", CANARY), workspace=UNKNOWN_WORKSPACE)],
        Refusal("WORKSPACE_NOT_FOUND", code=MISSING),
    ),
    "nothing usable": (
        [GOOD, message(("unlisted", CANARY))],
        invalid("messages[1].identifiers", reason="NO_USABLE_IDENTIFIER"),
    ),
    "rejected type": (
        [message(("device", CANARY), ("unlisted", CANARY), workspace=STRICT)],
        invalid("messages[0].identifiers[1].type", reason="TYPE_REJECTED"),
    ),
    "two values of a unique type": (
        [GOOD, message(("email", CANARY), ("email", f"other {CANARY}"))],
        invalid("messages[1].identifiers[1]", reason="TWO_VALUES_OF_UNIQUE_TYPE"),
    ),
    "held by a stored profile": (
        [GOOD, message(("customer_id", "c1"))],
        Refusal(HELD, code=PRECONDITION),
    ),
    "twice in the stream": (
        [MERGE_GOOD, message(("user_id", "new"), workspace=MERGE), MERGE_GOOD],
        Refusal(HELD, code=PRECONDITION),
    ),
    "request id of a call": (
        [message(("device", CANARY), request_id=f"used {ISOLATION} 1")],
        Refusal("REQUEST_ID_REUSED", code=PRECONDITION),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_faulty_message_refuses_all(target: Target, case: str) -> None:
    messages, refusal = CASES[case]
    refusal.check(await target.import_refused(each.SerializeToString() for each in messages))


async def test_an_empty_stream(target: Target) -> None:
    status = await target.import_refused([])
    assert status.code == 3
    assert "FIELD_INVALID" in str(status)


@pytest.mark.parametrize("place", [0, 1])
async def test_bytes_that_are_no_message(target: Target, place: int) -> None:
    good = GOOD.SerializeToString()
    for bad in (b"\xff\xff", good[:-1], good.replace(CANARY.encode(), NOT_TEXT)):
        messages = [good, good]
        messages[place] = bad
        status = await target.import_refused(messages)
        invalid("", reason="MALFORMED_REQUEST").check(status)
        assert place == 0 or f"messages[{place}]" in status.message
