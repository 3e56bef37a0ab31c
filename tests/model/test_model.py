"""What no scenario file can tell: ids (C7), dry runs (C9), explanations (C10), traits (M8), times, imports."""

from dataclasses import replace
from typing import Any

from tests.model.model import RETENTION_US, Model
from tests.model.records import (
    Answer,
    Call,
    Disposition,
    Event,
    Identifier,
    ImportMessage,
    Kind,
    Outcome,
    Refusal,
    Traits,
)
from tests.model.state import US_OF_DAY

REUSED = Refusal("FAILED_PRECONDITION", "REQUEST_ID_REUSED")


def identify(*identifiers: Identifier, at_us: int = 0, traits: Traits | None = None) -> Call:
    """An Identify at a time."""
    return Call(Kind.IDENTIFY, identifiers, event_time_us=at_us, now_us=at_us, traits=traits)


def answered(model: Model, call: Call) -> Answer:
    """The answer of a call that is not refused."""
    answer = model.call(call)
    assert isinstance(answer, Answer), answer
    return answer


def traits_of(model: Model, ordinal: int) -> dict[str, object]:
    """The visible traits of a live profile."""
    return {name: t.value for name, t in model.state.profiles[ordinal].traits.items() if not t.is_removed}


def test_repeat_answers_what_was_recorded() -> None:
    """C7: even if the state has changed since; explain and validate_only are no content."""
    model = Model("unify")
    call = replace(identify(("a", "1")), request_id="r")
    first = answered(model, call)
    assert first.outcome is Outcome.CREATED
    answered(model, identify(("a", "1"), ("b", "1"), at_us=1))
    before = model.dump()
    assert model.call(call) == first
    again = answered(model, replace(call, validate_only=True, explain=True))
    assert again.explanation is not None
    assert replace(again, explanation=None) == first
    assert model.dump() == before


def test_other_content_is_refused() -> None:
    """C7: kind, identifiers, times, traits and previous profile are content."""
    model = Model("unify")
    call = replace(identify(("a", "1")), request_id="r")
    answered(model, call)
    assert model.call(replace(call, kind=Kind.LOGIN)) == REUSED
    assert model.call(replace(call, identifiers=(("a", "2"),))) == REUSED
    assert model.call(replace(call, event_time_us=None)) == REUSED
    assert model.call(replace(call, traits={"x": 1})) == REUSED
    assert model.call(replace(call, previous_profile=1)) == REUSED
    assert model.call(replace(call, identifiers=(("a", "1"), ("a", "1")))) == REUSED


def test_ids_are_forgotten_and_do_not_mix() -> None:
    """C7: 24 hours; request and message ids are two kinds; refused calls and dry runs use up none."""
    model = Model("unify")
    track = Call(Kind.TRACK, (("a", "1"),), event=Event("e", None, "x"))
    answered(model, replace(track, validate_only=True))
    answered(model, track)
    assert len(model.state.profiles[1].events) == 1
    answered(model, replace(identify(("a", "1")), request_id="x"))
    assert model.call(replace(track, identifiers=(("a", "2"),), now_us=RETENTION_US)) == REUSED
    answered(model, replace(track, identifiers=(("a", "2"),), now_us=RETENTION_US + 1))
    assert model.call(Call(Kind.IDENTIFY, (), request_id="y")) == Refusal("INVALID_ARGUMENT", "FIELD_INVALID")
    answered(model, replace(identify(("a", "3")), request_id="y"))


def test_request_id_is_looked_up_first() -> None:
    """C7: a Track with both ids must equal the call that the request id stands for."""
    model = Model("unify")
    one = Call(Kind.TRACK, (("a", "1"),), request_id="r1", event=Event("e", None, "m1"))
    two = Call(Kind.TRACK, (("a", "2"),), request_id="r2", event=Event("e", None, "m2"))
    answered(model, one)
    answered(model, two)
    assert model.call(replace(one, request_id="r2")) == REUSED
    assert answered(model, replace(one, request_id="r3")).profile == 1
    assert ("request", "r3") not in model.state.requests


def test_dry_run() -> None:
    """C9: what would be done, without doing it; a profile that would be made has no id."""
    model = Model("profile_link")
    answered(model, identify(("idfv", "D")))
    before = model.dump()
    call = Call(Kind.LOGIN, (("customer_id", "A"), ("idfv", "D")), previous_profile=1, validate_only=True)
    dry = answered(model, call)
    assert (dry.outcome, dry.profile, dry.known, dry.source_profile) == (Outcome.CREATED, 0, True, 1)
    assert model.dump() == before
    assert replace(dry, profile=2) == answered(model, replace(call, validate_only=False))


def test_explanation_tells_the_rounds() -> None:
    """C10: two rounds, the first ended by a demotion."""
    model = Model("identity_graph_rules")
    answered(model, identify(("user_id", "u1"), ("device", "d")))
    answer = answered(model, replace(identify(("device", "d"), ("user_id", "u2")), explain=True))
    assert answer.explanation is not None
    first, second = answer.explanation.rounds
    assert first.looked_for == (("user_id", "u2"), ("device", "d"))
    assert first.found == ((1, ("device", "d")),)
    assert [(c.rule, c.figure, c.limit, c.passed) for c in first.checks][:2] == [
        ("M3.1", 0, 100, True),
        ("M3.2", 2, 1, False),
    ]
    assert first.demoted == answer.demoted[0]
    assert second.found_count == 0
    assert answer.decided_by == answer.explanation.decided_by == "M6"
    assert answered(model, identify(("device", "d"))).explanation is None


def test_traits() -> None:
    """M8: latest event time; equal times the later call; null removes and keeps its time."""
    model = Model("unify")
    answered(model, identify(("a", "1"), at_us=10, traits={"x": 1, "y": 1}))
    answered(model, identify(("a", "1"), at_us=5, traits={"x": 2, "z": 2}))
    answered(model, identify(("a", "1"), at_us=10, traits={"y": 3}))
    assert traits_of(model, 1) == {"x": 1, "y": 3, "z": 2}
    answered(model, identify(("a", "1"), at_us=20, traits={"x": None}))
    answered(model, identify(("a", "1"), at_us=15, traits={"x": 4}))
    answered(model, identify(("b", "1"), at_us=16, traits={"x": 5, "y": 6}))
    assert answered(model, identify(("a", "1"), ("b", "1"), at_us=0)).outcome is Outcome.MERGED
    assert traits_of(model, 1) == {"y": 6, "z": 2}


def test_equal_times_over_a_merge() -> None:
    """M8: at equal times the later call wins, whichever profile it wrote to."""
    model = Model("unify")
    answered(model, identify(("a", "1"), at_us=1))
    answered(model, identify(("b", "1"), at_us=2, traits={"x": "of b"}))
    answered(model, identify(("a", "1"), at_us=2, traits={"x": "of a"}))
    answered(model, identify(("a", "1"), ("b", "1"), at_us=3))
    assert traits_of(model, 1) == {"x": "of a"}


def test_times_of_identifiers() -> None:
    """Last seen is raised, never lowered; the time added never moves, and survives a merge."""
    model = Model("unify")
    answered(model, identify(("a", "1"), at_us=5 * US_OF_DAY))
    answered(model, identify(("b", "1"), at_us=7 * US_OF_DAY))
    answered(model, identify(("a", "1"), ("b", "1"), at_us=6 * US_OF_DAY + 1))
    held = model.state.profiles[1].held
    assert (held[("a", "1")].added_us, held[("a", "1")].seen_day) == (5 * US_OF_DAY, 6)
    assert (held[("b", "1")].added_us, held[("b", "1")].seen_day) == (7 * US_OF_DAY, 7)


def test_events_go_over_and_carry_demotions() -> None:
    """M6, M7, C5: events of merged profiles, what was demoted, unresolved events."""
    model = Model("identity_graph_rules")
    answered(model, identify(("user_id", "u1"), ("device", "d")))
    answered(model, Call(Kind.TRACK, (("user_id", "u2"), ("device", "d")), event=Event("one")))
    [event] = model.state.profiles[2].events
    assert [(d.type, d.value) for d in event.demoted] == [("device", "d")]
    assert event.identifiers == (("user_id", "u2"), ("device", "d"))
    blocking = Model({"merge": {}, "blocked": [{"exact": "x"}]})
    assert answered(blocking, Call(Kind.TRACK, (("a", "x"),), event=Event("two"))).outcome is Outcome.UNRESOLVED
    assert [event.name for event in blocking.state.unresolved] == ["two"]


def test_dispositions() -> None:
    """The first that applies; a duplicate is told once; the raw form is told."""
    policy: dict[str, Any] = {
        "identifier_types": [
            {"name": "cid", "unique": True, "login": True},
            {"name": "dev", "normalization": "LOWER"},
        ],
        "blocked": [{"exact": "null"}],
        "isolation": {"on_new_known_user": "CREATE_PROFILE", "on_logout": "RETURN_TO_ANONYMOUS"},
    }
    model = Model(policy)
    answered(model, Call(Kind.LOGIN, (("cid", "A"), ("dev", "d1"))))
    answer = answered(
        model, Call(Kind.LOGOUT, (("dev", "D2"), ("cid", "A"), ("dev", "d2"), ("cid", "null"), ("no", "1")))
    )
    assert [(i.type, i.value, i.disposition) for i in answer.identifiers] == [
        ("dev", "D2", Disposition.ATTACHED),
        ("cid", "A", Disposition.DROPPED),
        ("cid", "null", Disposition.BLOCKED),
        ("no", "1", Disposition.IGNORED_TYPE),
    ]
    assert answer.warnings == 1


def test_import() -> None:
    """All or nothing, the first fault by its index; repeatable by its request id."""
    model = Model("unify")
    good = ImportMessage((("a", "1"),), {"x": 1}, 10, 4)
    fault = model.import_profiles([good, ImportMessage((("a", "1"),))], 100)
    assert fault == Refusal("FAILED_PRECONDITION", "IDENTIFIERS_HELD_BY_OTHERS", 1)
    assert not model.state.profiles
    many = ImportMessage(tuple(("b", f"b{number}") for number in range(40)))
    assert model.import_profiles([good, many], 100, "r") == (1, 2)
    assert model.import_profiles([good, many], 200, "r") == (1, 2)
    assert model.import_profiles([good], 200, "r") == Refusal("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    first, second = model.state.profiles.values()
    assert (first.merges, first.create_time_us, first.held[("a", "1")].added_us) == (4, 10, 10)
    assert (second.create_time_us, len(second.held)) == (100, 40)
