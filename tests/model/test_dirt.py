"""What no scenario file can tell of dirty values: reasons, repeats, spellings, imports, workspaces that 0.1 made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.model.model import Model
from tests.model.policy import RULES_OF_0_1, US_OF_DAY
from tests.model.policy_reader import PolicyInvalidError, read_policy
from tests.model.records import Answer, Call, Disposition, Identifier, ImportMessage, Kind, Outcome, Refusal

MERGE: dict[str, Any] = {
    "identifier_types": [
        {"name": "user_id"},
        {"name": "nick", "normalization": "LOWER"},
        {"name": "phone", "normalization": "PHONE", "region": "US"},
    ],
    "merge": {},
}
SHOP: dict[str, Any] = {
    "identifier_types": [
        {"name": "customer_id", "unique": True, "login": True},
        {"name": "email", "unique": True, "login": True, "normalization": "EMAIL"},
        {"name": "idfa", "unique": True},
        {"name": "idfv"},
    ],
    "isolation": {"on_new_known_user": "CREATE_PROFILE", "on_logout": "RETURN_TO_ANONYMOUS"},
}
INVALID = Refusal("INVALID_ARGUMENT", "FIELD_INVALID")
HOUR_US = 3_600_000_000


def identify(*identifiers: Identifier, **fields: Any) -> Call:
    """An Identify."""
    return Call(Kind.IDENTIFY, identifiers, **fields)


def answered(model: Model, call: Call) -> Answer:
    """The answer of a call that is not refused."""
    answer = model.call(call)
    assert isinstance(answer, Answer), answer
    return answer


def told(answer: Answer) -> list[tuple[str, str]]:
    """Each identifier's value and what became of it, an invalid one's reason instead."""
    invalid = Disposition.INVALID
    return [
        (i.value, i.invalid_reason.name if i.disposition is invalid else i.disposition.name) for i in answer.identifiers
    ]


def test_reasons() -> None:
    """C12: each reason, in the call's order; nothing usable left is unresolved."""
    model = Model(MERGE)
    values = ("", " ", "a\x07", "a\u200b", "a\u0378", "lo" * 257)
    answer = answered(model, identify(*(("user_id", value) for value in values), ("phone", "12\u200b")))
    assert answer.outcome is Outcome.UNRESOLVED
    assert [reason for _, reason in told(answer)] == [
        "EMPTY",
        "EMPTY",
        "CONTROL_CHARACTER",
        "FORMAT_CHARACTER",
        "UNASSIGNED_CHARACTER",
        "TOO_LONG",
        "NOT_A_PHONE_NUMBER",
    ]


def test_refused_and_set_aside_by_family() -> None:
    """C12: the family's default, and the policy's word."""
    assert Model(SHOP).call(identify(("idfv", "v"), ("email", ""))) == INVALID
    lenient = Model({**SHOP, "invalid_identifiers": "SET_ASIDE"})
    assert told(answered(lenient, identify(("idfv", "v"), ("email", "")))) == [("v", "ATTACHED"), ("", "EMPTY")]
    strict = Model({**MERGE, "invalid_identifiers": "INVALID_IDENTIFIERS_REFUSE"})
    assert strict.call(identify(("user_id", "u"), ("phone", "12"))) == INVALID


def test_order_of_rules() -> None:
    """C3 before C4 before C12: a blocked value is not judged, an unlisted type is rejected before a value is."""
    model = Model({**SHOP, "unlisted_types": "REJECT", "blocked": [{"regex": "^call"}]})
    assert told(answered(model, identify(("idfv", "v"), ("other", "call\u200b")))) == [
        ("v", "ATTACHED"),
        ("call\u200b", "BLOCKED"),
    ]
    rejected = Refusal("INVALID_ARGUMENT", "TYPE_REJECTED")
    assert model.call(identify(("idfv", "\u200b"), ("other", "x"))) == rejected


def test_spellings_of_one_value() -> None:
    """C6 after C3: of two spellings one is blocked as it was sent; the other stays. Equal ones are told once."""
    model = Model({**MERGE, "blocked": [{"exact": "VOID"}]})
    answer = answered(model, identify(("nick", "VOID"), ("nick", "void"), ("nick", "Void"), ("nick", "VOID")))
    assert told(answer) == [("VOID", "BLOCKED"), ("void", "ATTACHED")]
    assert told(answered(model, identify(("nick", " VOID ")))) == [(" VOID ", "BLOCKED")]


def test_repeat_under_a_stricter_policy() -> None:
    """C7 before C12: what was accepted is answered as recorded whatever the policy says now."""
    model = Model(MERGE)
    call = identify(("user_id", "u"), ("phone", "12"), request_id="r")
    first = answered(model, call)
    model.update_policy({**MERGE, "invalid_identifiers": "REFUSE", "blocked": [{"exact": "u"}]})
    assert model.call(call) == first
    assert model.call(replace(call, request_id="s")) == INVALID
    assert model.call(identify(("user_id", "u"), request_id="r")) == Refusal("FAILED_PRECONDITION", "REQUEST_ID_REUSED")


def test_time() -> None:
    """C11: up to the tolerance an event time stands; beyond it the commit time is taken, and both are told."""
    model = Model({**MERGE, "future_tolerance": "3600s"})
    on_edge = answered(model, Call(Kind.TRACK, (("user_id", "u"),), event_time_us=HOUR_US, now_us=0))
    assert on_edge.event_time_adjusted_us is None
    beyond = answered(model, Call(Kind.TRACK, (("user_id", "u"),), event_time_us=HOUR_US + 8, now_us=7))
    assert beyond.event_time_adjusted_us == 7
    events = model.state.profiles[1].events
    assert [(event.time_us, event.time_sent_us) for event in events] == [(HOUR_US, None), (7, HOUR_US + 8)]
    with pytest.raises(PolicyInvalidError):
        read_policy({**MERGE, "future_tolerance": "604801s"})


def test_a_consent_can_be_withdrawn() -> None:
    """C11 and M8: a trait of a clock in 2568 does not outlive a later call."""
    model = Model(MERGE)
    answered(model, identify(("user_id", "u"), traits={"consent": True}, event_time_us=200_000 * US_OF_DAY, now_us=1))
    answered(model, identify(("user_id", "u"), traits={"consent": False}, now_us=2))
    assert model.state.profiles[1].traits["consent"].value is False


def test_what_is_replaced_is_told() -> None:
    """I5: the values that left, as first sent; a warning where they were login identifiers."""
    model = Model(SHOP)
    answered(model, Call(Kind.LOGIN, (("customer_id", "C1"), ("email", "Info@x.com"), ("idfa", "a1"))))
    answer = answered(model, Call(Kind.LOGIN, (("customer_id", "C1"), ("email", "b@x.com"), ("idfa", "a2"))))
    assert [i.replaced for i in answer.identifiers] == [(), (("email", "Info@x.com"),), (("idfa", "a1"),)]
    assert answer.warnings == 1
    assert answer.changes == ()


def test_bounds_of_traits() -> None:
    """C13: 1,000 traits, removals too; what does not grow passes; a merge passes the bound by itself."""
    model = Model(MERGE)
    limit = Refusal("FAILED_PRECONDITION", "LIMIT_EXCEEDED")
    assert model.call(identify(("user_id", "a"), traits={f"t{n}": "x" for n in range(1001)})) == limit
    assert not model.state.profiles
    answered(model, identify(("user_id", "a"), traits={f"t{n}": None if n % 2 else "x" for n in range(1000)}))
    assert model.call(identify(("user_id", "a"), traits={"new": None}, now_us=1)) == limit
    answered(model, identify(("user_id", "a"), traits={"t1": "y"}, now_us=1))
    answered(model, identify(("user_id", "b"), traits={"other": "x"}, now_us=1))
    assert model.call(identify(("user_id", "a"), ("user_id", "b"), traits={"more": "x"}, now_us=2)) == limit
    answered(model, identify(("user_id", "a"), ("user_id", "b"), now_us=2))
    assert len(model.state.profiles[1].traits) == 1001
    answered(model, identify(("user_id", "a"), traits={"t2": "z"}, now_us=3))
    assert model.call(identify(("user_id", "a"), traits={"more": "x"}, now_us=3)) == limit
    answered(model, identify(("user_id", "a"), traits={"t2": "older"}, event_time_us=1, now_us=3))


def test_bounds_of_bytes() -> None:
    """C13: 1 MiB of traits; a smaller value in the place of a larger one passes."""
    model = Model(MERGE)
    for number in range(16):
        answered(model, identify(("user_id", "a"), traits={f"t{number}": "x" * 65_000}, now_us=number))
    too_large = identify(("user_id", "a"), traits={"t16": "x" * 65_000}, now_us=99)
    assert model.call(too_large) == Refusal("FAILED_PRECONDITION", "LIMIT_EXCEEDED")
    answered(model, identify(("user_id", "a"), traits={"t0": "x" * 60_000}, now_us=99))
    answered(model, Call(Kind.TRACK, (("user_id", "a"),), now_us=99))


def test_first_seen() -> None:
    """The create time of a profile is the earliest of those joined into it."""
    model = Model(MERGE)
    answered(model, identify(("user_id", "a"), event_time_us=50, now_us=60))
    answered(model, identify(("user_id", "b"), event_time_us=10, now_us=60))
    answered(model, identify(("user_id", "a"), ("user_id", "b"), now_us=60))
    assert model.state.profiles[1].create_time_us == 10


def test_imports() -> None:
    """C12 and C11 in an import: invalid values and times to come are faults of their lines, blocked values are not."""
    model = Model({**MERGE, "blocked": [{"regex": "^call"}], "future_tolerance": "0.000002s"})
    good = ImportMessage((("user_id", "u"), ("phone", "call me")), None, 5)
    fault = replace(INVALID, message_index=1)
    assert model.import_profiles([good, ImportMessage((("user_id", "v"), ("phone", "12")))], 10) == fault
    assert model.import_profiles([good, ImportMessage((("user_id", "v"),), None, 11)], 10) == fault
    assert model.import_profiles([good, ImportMessage((("user_id", "v"),), None, 10)], 10) == (1, 2)


def test_workspaces_of_0_1() -> None:
    """They keep their forms, refuse what is invalid and take any event time, whatever their policy says."""
    asking = {**MERGE, "invalid_identifiers": "SET_ASIDE", "future_tolerance": "0s"}
    model = Model(asking, RULES_OF_0_1)
    answered(model, identify(("nick", " Straße ")))
    assert ("nick", " straße ") in model.state.profiles[1].held
    assert model.call(identify(("user_id", "u"), ("phone", "12"))) == INVALID
    assert answered(model, identify(("user_id", "u"), event_time_us=99, now_us=1)).event_time_adjusted_us is None
    model.update_policy(asking)
    assert model.call(identify(("user_id", "u"), ("phone", "12"))) == INVALID
    assert model.import_profiles([ImportMessage((("user_id", "w"),), None, 99)], 1) == (3,)
