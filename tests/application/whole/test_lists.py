"""Lists of a profile's traits and identifiers, page by page, with the real engine."""

from dataclasses import replace

import asyncpg
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from tests.application.conftest import refusal_of
from tests.application.whole.core import WORKSPACE, Core
from utterson.application.reads.profiles import PageRequest
from utterson.domain.errors import Reason
from utterson.domain.records import IdentifierRecord, SetTraitRecord
from utterson.v1.policy_pb2 import IdentifierType, MergeStrategy, Normalization, Policy

START_S = 1_700_000_000


def at(second: int) -> Timestamp:
    return Timestamp(seconds=START_S + second)


def page(size: int, token: str = "", at_least: str = "") -> PageRequest:
    return PageRequest(size, token, at_least)


async def all_traits(core: Core, profile_id: int, size: int) -> list[SetTraitRecord]:
    told: list[SetTraitRecord] = []
    token = ""
    while True:
        found = await core.profiles.list_traits(WORKSPACE, profile_id, page(size, token), None)
        told += found.items
        token = found.next_page_token
        assert len(found.items) == size or not token
        if not token:
            return told


async def all_identifiers(core: Core, profile_id: int, size: int) -> list[IdentifierRecord]:
    told: list[IdentifierRecord] = []
    token = ""
    while True:
        found = await core.profiles.list_identifiers(WORKSPACE, profile_id, page(size, token), None)
        told += found.items
        token = found.next_page_token
        assert len(found.items) == size or not token
        if not token:
            return told


async def test_traits_come_by_name_with_time_and_call_over_all_members(core: Core, other: Core) -> None:
    first = await core.identify(("email", "a@x.com"), traits={"city": "Soho", "b": 1}, event_time=at(5))
    second = await core.identify(("device", "d"), traits={"city": "York", "a": 2}, event_time=at(9))
    merged = await core.identify(("email", "a@x.com"), ("device", "d"), event_time=at(10))
    gone = await other.identify(("device", "d"), traits={"a": None}, event_time=at(11))  # type: ignore[dict-item]
    for size in (1, 2, 3, 50):
        told = await all_traits(other, second.profile_id, size)
        assert [(one.name, one.event_time_us, one.revision) for one in told] == [
            ("a", (START_S + 11) * 1_000_000, gone.revision),
            ("b", (START_S + 5) * 1_000_000, first.revision),
            ("city", (START_S + 9) * 1_000_000, second.revision),
        ]
        values = [None if one.value is None else Value.FromString(one.value) for one in told]
        assert values == [None, Value(number_value=1), Value(string_value="York")]
    late = await core.profiles.list_traits(WORKSPACE, merged.profile_id, page(0, at_least=gone.revision), None)
    assert len(late.items) == 3


async def test_identifiers_come_by_priority_then_by_time(core: Core) -> None:
    added = {}
    for second, (type_name, value) in enumerate([("device", "2"), ("email", "b"), ("device", "1"), ("email", "a")]):
        made = await core.identify(("user_id", "u"), (type_name, value), event_time=at(9 - second))
        added[type_name, value] = made.revision
        added.setdefault(("user_id", "u"), made.revision)
    expected = [("user_id", "u"), ("email", "a"), ("email", "b"), ("device", "1"), ("device", "2")]
    for size in (1, 2, 3, 4, 5, 50):
        told = await all_identifiers(core, made.profile_id, size)
        assert [(one.type, one.raw_value) for one in told] == expected
        assert told[1].create_time_us == (START_S + 6) * 1_000_000
        assert {(one.type, one.raw_value): one.revision for one in told} == added, "the call that added it"
    (record,) = await core.profiles.get_profiles(WORKSPACE, [made.profile_id], "", None)
    assert list(record.identifiers) == [replace(one, revision="") for one in told], "as GetProfile orders them"


async def test_an_identifier_keeps_the_call_that_added_it(core: Core) -> None:
    first = await core.identify(("user_id", "u"), ("device", "1"))
    other = await core.identify(("email", "a"))
    await core.identify(("user_id", "u"), ("device", "1"))
    joined = await core.identify(("user_id", "u"), ("email", "a"), ("device", "2"))
    told = await all_identifiers(core, first.profile_id, 2)
    expected = [("u", first), ("a", other), ("1", first), ("2", joined)]
    assert [(one.raw_value, one.revision) for one in told] == [(value, made.revision) for value, made in expected]


async def test_what_an_older_build_added_is_told_without_its_call(core: Core, url: str) -> None:
    made = await core.identify(("user_id", "u"), ("device", "1"))
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE identifiers SET added_seq = NULL WHERE type = 'device'")
    await connection.close()
    told = await all_identifiers(core, made.profile_id, 5)
    assert [(one.raw_value, one.revision) for one in told] == [("u", made.revision), ("1", "")]


async def test_a_page_goes_on_where_it_ended_though_the_place_is_gone(core: Core) -> None:
    for second, value in enumerate("abcde"):
        made = await core.identify(("user_id", "u"), ("device", value), event_time=at(second))
    first = await core.profiles.list_identifiers(WORKSPACE, made.profile_id, page(3), None)
    assert [one.raw_value for one in first.items] == ["u", "a", "b"]
    email = IdentifierType(name="email", normalization=Normalization.NORMALIZATION_EMAIL)
    policy = Policy(identifier_types=[IdentifierType(name="user_id"), email], merge=MergeStrategy())
    await core.workspaces.update_policy(WORKSPACE, policy.SerializeToString(), "")
    await core.identify(("user_id", "u"), ("device", "f"), event_time=at(9))
    then = await core.profiles.list_identifiers(WORKSPACE, made.profile_id, page(9, first.next_page_token), None)
    assert [one.raw_value for one in then.items] == ["c", "d", "e", "f"]


async def test_tokens_belong_to_their_list(core: Core) -> None:
    for value in "ab":
        made = await core.identify(("user_id", "u"), ("device", value), traits={value: 1})
    other = await core.identify(("user_id", "v"))
    traits = await core.profiles.list_traits(WORKSPACE, made.profile_id, page(1), None)
    identifiers = await core.profiles.list_identifiers(WORKSPACE, made.profile_id, page(1), None)
    for list_, profile_id, token in [
        (core.profiles.list_traits, made.profile_id, identifiers.next_page_token),
        (core.profiles.list_identifiers, made.profile_id, traits.next_page_token),
        (core.profiles.list_traits, other.profile_id, traits.next_page_token),
        (core.profiles.list_identifiers, other.profile_id, identifiers.next_page_token),
    ]:
        error = await refusal_of(list_(WORKSPACE, profile_id, page(1, token), None))
        assert error.reason is Reason.PAGE_TOKEN_INVALID
    for list_ in (core.profiles.list_traits, core.profiles.list_identifiers):
        assert (await refusal_of(list_(WORKSPACE, 5, page(1), None))).reason is Reason.PROFILE_NOT_FOUND
        assert (await refusal_of(list_(WORKSPACE, 5, page(-1), None))).reason is Reason.FIELD_INVALID


async def test_a_person_was_first_seen_when_the_earliest_was(core: Core) -> None:
    first = await core.identify(("email", "a@x.com"), event_time=at(9))
    await core.identify(("device", "d"), event_time=at(2))
    await core.identify(("email", "a@x.com"), ("device", "d"), event_time=at(10))
    (record,) = await core.profiles.get_profiles(WORKSPACE, [first.profile_id], "", None)
    assert record.create_time_us == (START_S + 2) * 1_000_000
