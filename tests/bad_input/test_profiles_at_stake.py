"""Refusals that hang on stored profiles, and on other workspaces."""

import pytest

from tests.bad_input.calls import invalid, modify
from tests.bad_input.refusals import CANARY, MISSING, PRECONDITION, Refusal
from tests.bad_input.target import ISOLATION, MERGE, STRICT, Target, identifiers, neighbours
from utterson.v1 import identifier_pb2, resolution_pb2
from utterson.v1 import identity_service_pb2 as pb

Change = identifier_pb2.Change
_GONE = Refusal("PROFILE_NOT_FOUND", code=MISSING)
_IMMUTABLE = Refusal("IMMUTABLE_IDENTIFIER", code=PRECONDITION)
# Name, workspace, whose profile, changes, refusal.
MODIFIES: list[tuple[str, str, str, list[Change], Refusal]] = [
    ("of another workspace", ISOLATION, f"{STRICT} 1", [Change(type="device", new_value=CANARY)], _GONE),
    ("NOT_FOUND comes first", ISOLATION, f"{STRICT} 1", [Change(type="device")], _GONE),
    (
        "neither old nor new",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="device", new_value=CANARY), Change(type="device")],
        invalid("changes[1]", reason="EMPTY_CHANGE"),
    ),
    (
        "every change set aside",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="unlisted", new_value=CANARY), Change(type="device", new_value=f"blocked {CANARY}")],
        invalid("changes", reason="NO_USABLE_IDENTIFIER"),
    ),
    (
        "a type that is rejected",
        STRICT,
        f"{STRICT} 1",
        [Change(type="device", new_value=CANARY), Change(type="unlisted", new_value=CANARY)],
        invalid("changes[1].type", reason="TYPE_REJECTED"),
    ),
    (
        "a control character",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="device", new_value=f"{CANARY}\n")],
        invalid("changes[0].new_value"),
    ),
    (
        "no phone number",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="phone", new_value=CANARY)],
        invalid("changes[0].new_value"),
    ),
    (
        "an immutable value changed",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="customer_id", old_value="c1", new_value=CANARY)],
        _IMMUTABLE,
    ),
    (
        "an immutable value removed",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="customer_id", old_value="c1")],
        _IMMUTABLE,
    ),
    (
        "an immutable value taken from another, after a good change",
        ISOLATION,
        f"{ISOLATION} 1",
        [Change(type="device", new_value=CANARY), Change(type="customer_id", old_value="c1", new_value="c2")],
        _IMMUTABLE,
    ),
    (
        "a second value of an exclusive type",
        MERGE,
        f"{MERGE} 1",
        [Change(type="email", new_value=CANARY), Change(type="user_id", new_value=f"u {CANARY}")],
        Refusal("LIMIT_EXCEEDED", code=PRECONDITION),
    ),
]


@pytest.mark.parametrize(
    ("name", "workspace", "whose", "changes", "refusal"), MODIFIES, ids=[row[0] for row in MODIFIES]
)
async def test_modify(
    target: Target, name: str, workspace: str, whose: str, changes: list[Change], refusal: Refusal
) -> None:
    call = modify(*changes, workspace=workspace, profile_id=target.profiles[whose])
    refusal.check(await target.unary("modify", call.modify.SerializeToString()))
    before, after = neighbours(workspace)
    batch = pb.BatchResolveRequest(workspace=workspace, calls=[before, call, after])
    results = await target.batch(batch.SerializeToString())
    assert [result.WhichOneof("result") for result in results] == ["resolution", "error", "resolution"]
    refusal.check(results[1].error)


@pytest.mark.parametrize("workspace", [ISOLATION, MERGE])
async def test_search_without_a_hit(target: Target, workspace: str) -> None:
    values = identifiers(("device" if workspace == ISOLATION else "email", CANARY))
    request = pb.SearchRequest(workspace=workspace, identifiers=values)
    Refusal("NO_MATCH", code=MISSING).check(await target.unary("search", request.SerializeToString()))


async def test_search_is_judged_like_the_others(target: Target) -> None:
    request = pb.SearchRequest(workspace=ISOLATION, identifiers=identifiers(("device", f"{CANARY}\0")))
    request.consistency = resolution_pb2.Consistency.ValueType(9)
    refusal = invalid("identifiers[0].value", "consistency")
    refusal.check(await target.unary("search", request.SerializeToString()))


async def test_an_unresolved_call_is_no_refusal(target: Target) -> None:
    """C5, merge family: nothing usable is an outcome; an Identify then stores nothing."""
    request = pb.IdentifyRequest(workspace=MERGE, identifiers=identifiers(("email", CANARY)), validate_only=True)
    answer = await target.send("IdentityService", "Identify", request.SerializeToString())
    assert pb.IdentifyResponse.FromString(answer).resolution.outcome
