"""What callers hand in: each value that cannot be sent is a ValueError that names its field, and never the value."""

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.client.failing_server import serving
from utterson.client import FieldError, IdentifierChange, ImportedProfile, RetryLimits, UttersonClient
from utterson.client.values import struct_message, time_message
from utterson.v1 import identity_service_pb2 as pb

PAIRS: Any = [("email", "ed.hyde@example.com")]
HALF = "canary \ud83d"
HUGE = 10**400
Use = Callable[[UttersonClient], Awaitable[object]]


def deep(levels: int) -> object:
    """Make a list in a list in a list …"""
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


async def first(pages: Any) -> object:
    """Ask for the first of a list."""
    return await anext(pages)


EAST = timezone(timedelta(hours=1))
WEST = timezone(timedelta(hours=-5))
VALUES: dict[str, tuple[str, Use]] = {
    "a number as a value": ("identifiers[0].value", lambda c: c.identify("w", [("idfv", 1)])),  # type: ignore[list-item]
    "a number as a type": ("identifiers[0].type", lambda c: c.login("w", [(1, "x")])),  # type: ignore[list-item]
    "no value": ("identifiers[1].value", lambda c: c.logout("w", [*PAIRS, ("idfv", None)])),  # type: ignore[list-item]
    "half a character in a value": ("identifiers[0].value", lambda c: c.search("w", [("email", HALF)])),
    "half a character in a type": ("identifiers[0].type", lambda c: c.track("w", [(HALF, "x")], "e")),
    "no pair": ("identifiers[0]", lambda c: c.identify("w", [("a", "b", "c")])),  # type: ignore[list-item]
    "a text as a pair": ("identifiers[0]", lambda c: c.identify("w", ["ab"])),  # type: ignore[list-item]
    "a mapping as pairs": ("identifiers", lambda c: c.identify("w", {"email": "x"})),  # type: ignore[dict-item]
    "a text as pairs": ("identifiers", lambda c: c.identify("w", "ab")),  # type: ignore[arg-type]
    "none as pairs": ("identifiers", lambda c: c.identify("w", None)),  # type: ignore[arg-type]
    "half a character in a trait": ("traits.bio", lambda c: c.identify("w", PAIRS, traits={"bio": HALF})),
    "half a character in a name": ("a name in traits", lambda c: c.identify("w", PAIRS, traits={HALF: 1})),
    "no name": ("a name in traits", lambda c: c.identify("w", PAIRS, traits={1: 1})),  # type: ignore[dict-item]
    "a huge number": ("traits.x", lambda c: c.login("w", PAIRS, traits={"x": HUGE})),
    "a number that loses digits": ("traits.x", lambda c: c.login("w", PAIRS, traits={"x": 2**53 + 1})),
    "infinity": ("traits.x[1]", lambda c: c.login("w", PAIRS, traits={"x": [1, math.inf]})),
    "no number": ("properties.x.y", lambda c: c.track("w", PAIRS, "e", properties={"x": {"y": math.nan}})),
    "bytes": ("traits.x", lambda c: c.identify("w", PAIRS, traits={"x": b"x"})),
    "a set": ("traits.x", lambda c: c.identify("w", PAIRS, traits={"x": {1}})),  # type: ignore[dict-item]
    "traits that are none": ("traits", lambda c: c.identify("w", PAIRS, traits=["x"])),  # type: ignore[arg-type]
    "an event's name": ("event_name", lambda c: c.track("w", PAIRS, HALF)),
    "a message id": ("message_id", lambda c: c.track("w", PAIRS, "e", message_id=7)),  # type: ignore[arg-type]
    "a request id": ("request_id", lambda c: c.identify("w", PAIRS, request_id=HALF)),
    "a workspace": ("workspace", lambda c: c.identify(None, PAIRS)),  # type: ignore[arg-type]
    "a previous profile": ("previous_profile_id", lambda c: c.identify("w", PAIRS, previous_profile_id=2**63)),
    "a fraction": ("previous_profile_id", lambda c: c.search("w", PAIRS, previous_profile_id=1.5)),  # type: ignore[arg-type]
    "no zone": ("event_time", lambda c: c.identify("w", PAIRS, event_time=datetime(2024, 1, 1))),
    "no time": ("event_time", lambda c: c.identify("w", PAIRS, event_time="now")),  # type: ignore[arg-type]
    "a change's type": ("changes[0].type", lambda c: c.modify("w", 1, [IdentifierChange(HALF, "a")])),
    "a change's value": ("changes[1].new_value", lambda c: c.modify("w", 1, [IdentifierChange("a"), changed(1)])),
    "a profile": ("profile_id", lambda c: c.modify("w", HUGE, [])),
    "a profile to read": ("profile_id", lambda c: c.get_profile("w", "7")),  # type: ignore[arg-type]
    "a revision": ("at_least", lambda c: c.get_profile("w", 7, at_least=HALF)),
    "one of the profiles": ("profile_ids[1]", lambda c: c.batch_get_profiles("w", [1, 2**70])),
    "a page of events": ("page_size", lambda c: first(c.list_events("w", 1, page_size=2**31))),
    "a page of traits": ("workspace", lambda c: first(c.list_traits(HALF, 1))),
    "traits at least": ("at_least", lambda c: first(c.list_traits("w", 1, at_least=HALF))),
    "a page of identifiers": ("profile_id", lambda c: first(c.list_identifiers("w", HUGE))),
    "a page of history": ("profile_id", lambda c: first(c.list_history("w", HUGE))),
    "a page of workspaces": ("page_size", lambda c: first(c.list_workspaces(page_size=HUGE))),
    "a page of policies": ("workspace", lambda c: first(c.list_policy_revisions(HALF))),
    "a preset": ("preset", lambda c: c.create_workspace("w", preset=HALF)),
    "an etag": ("etag", lambda c: c.update_policy("w", pb_policy(), etag=HALF)),
    "a workspace to read": ("workspace", lambda c: c.get_workspace(HALF)),
    "a batch's workspace": ("workspace", lambda c: c.batch_resolve(HALF, [pb.Call()])),
    "an imported value": (
        "profiles[1].identifiers[0].value",
        lambda c: c.import_profiles("w", [ImportedProfile(PAIRS), ImportedProfile([("a", 1)])]),  # type: ignore[list-item]
    ),
    "an imported trait": (
        "profiles[0].traits.x",
        lambda c: c.import_profiles("w", [ImportedProfile(PAIRS, {"x": HUGE})]),
    ),
    "merges": ("profiles[0].merges", lambda c: c.import_profiles("w", [ImportedProfile(PAIRS, merges=2**31)])),
    "no merges": ("profiles[0].merges", lambda c: c.import_profiles("w", [ImportedProfile(PAIRS, merges=-1)])),
    "no imported profiles": ("profiles", lambda c: c.import_profiles("w", None)),  # type: ignore[arg-type]
    "one imported profile": ("profiles", lambda c: c.import_profiles("w", ImportedProfile(PAIRS))),  # type: ignore[arg-type]
    "a number as a profile": ("profiles[0]", lambda c: c.import_profiles("w", [5])),  # type: ignore[list-item]
    "imported traits": ("profiles[0].traits", lambda c: c.import_profiles("w", [ImportedProfile(PAIRS, [])])),  # type: ignore[arg-type]
    "no encoded profiles": ("profiles", lambda c: c.import_encoded("w", 5, request_id="r")),  # type: ignore[arg-type]
    "an encoded profile": ("profiles[1]", lambda c: c.import_encoded("w", [b"", 5], request_id="r")),  # type: ignore[list-item]
    "an import's id": ("import_id", lambda c: c.import_profiles("w", [], import_id="shop 7")),
    "an import's size": ("profiles_expected", lambda c: c.import_profiles("w", [], profiles_expected=-1)),
    "what comes before": ("after", lambda c: c.import_profiles("w", [], after=5)),  # type: ignore[arg-type]
    "an import's request id": ("request_id", lambda c: c.import_profiles("w", [], request_id=None)),  # type: ignore[arg-type]
    "an import's deadline": ("timeout_s", lambda c: c.import_profiles("w", [], timeout_s="5")),  # type: ignore[arg-type]
    "an unknown option": ("bogus", lambda c: c.identify("w", PAIRS, bogus=1)),  # type: ignore[call-arg]
    "a misspelt option": ("validat_only", lambda c: c.track("w", PAIRS, "e", validat_only=True)),  # type: ignore[call-arg]
    "an option of others": ("validate_only", lambda c: c.search("w", PAIRS, validate_only=True)),  # type: ignore[call-arg]
    "a text for yes": ("validate_only", lambda c: c.login("w", PAIRS, validate_only="yes")),  # type: ignore[arg-type]
    "none for no": ("validate_only", lambda c: c.logout("w", PAIRS, validate_only=None)),  # type: ignore[arg-type]
    "a number for yes": ("explain", lambda c: c.search("w", PAIRS, explain=1)),  # type: ignore[arg-type]
    "a text as consistency": ("consistency", lambda c: c.identify("w", PAIRS, consistency="STRONG")),  # type: ignore[arg-type]
    "a huge consistency": ("consistency", lambda c: c.search("w", PAIRS, consistency=2**40)),  # type: ignore[arg-type]
    "a text as deadline": ("timeout_s", lambda c: c.identify("w", PAIRS, timeout_s="5")),  # type: ignore[arg-type]
    "no deadline": ("timeout_s", lambda c: c.get_profile("w", 1, timeout_s=math.nan)),
    "a deadline for a page": ("timeout_s", lambda c: first(c.list_workspaces(timeout_s=[]))),  # type: ignore[arg-type]
    "a request id of zero": ("request_id", lambda c: c.identify("w", PAIRS, request_id=0)),  # type: ignore[arg-type]
    "no profile ids": ("profile_ids", lambda c: c.batch_get_profiles("w", None)),  # type: ignore[arg-type]
    "a number as profile ids": ("profile_ids", lambda c: c.batch_get_profiles("w", 5)),  # type: ignore[arg-type]
    "a text as profile ids": ("profile_ids", lambda c: c.batch_get_profiles("w", "12")),  # type: ignore[arg-type]
    "no changes": ("changes", lambda c: c.modify("w", 1, None)),  # type: ignore[arg-type]
    "a tuple as a change": ("changes[0]", lambda c: c.modify("w", 1, [("email", "a", "b")])),  # type: ignore[list-item]
    "a text as a change": ("changes[0]", lambda c: c.modify("w", 1, ["email"])),  # type: ignore[list-item]
    "a mapping as a change": ("changes[0]", lambda c: c.modify("w", 1, [{"type": "email"}])),  # type: ignore[list-item]
    "no calls": ("calls", lambda c: c.batch_resolve("w", None)),  # type: ignore[arg-type]
    "a request as a call": ("calls[1]", lambda c: c.batch_resolve("w", [pb.Call(), pb.IdentifyRequest()])),  # type: ignore[list-item]
    "no stream": ("messages", lambda c: first(c.stream_resolve([]))),  # type: ignore[arg-type]
    "a call in a stream": ("messages[0]", lambda c: first(c.stream_resolve(stream_of(pb.Call())))),
    "a stream's deadline": ("timeout_s", lambda c: first(c.stream_resolve(stream_of(), timeout_s="5"))),  # type: ignore[arg-type]
    "a preset as a policy": ("policy", lambda c: c.create_workspace("w", policy="unify")),  # type: ignore[call-overload]
    "a mapping as a policy": ("policy", lambda c: c.update_policy("w", {"merge": {}})),  # type: ignore[arg-type]
    "no policy": ("policy", lambda c: c.update_policy("w", None)),  # type: ignore[arg-type]
    "neither policy nor preset": ("policy", lambda c: c.create_workspace("w")),  # type: ignore[call-overload]
    "policy and preset": ("policy", lambda c: c.create_workspace("w", policy=pb_policy(), preset="unify")),  # type: ignore[call-overload]
    "a text for a dry run": ("validate_only", lambda c: c.create_workspace("w", preset="unify", validate_only="yes")),  # type: ignore[call-overload]
    "a dry run of a policy": ("validate_only", lambda c: c.update_policy("w", pb_policy(), validate_only=1)),  # type: ignore[arg-type]
    "an imported time": (
        "profiles[0].create_time",
        lambda c: c.import_profiles("w", [ImportedProfile(PAIRS, create_time=datetime(1, 1, 1, tzinfo=EAST))]),
    ),
}


async def stream_of(*messages: Any) -> Any:
    """Give messages as a stream does."""
    for message in messages:
        yield message


def changed(value: Any) -> IdentifierChange:
    """Make a change of any value."""
    return IdentifierChange("a", new_value=value)


def pb_policy() -> Any:
    """Make an empty policy."""
    from utterson.v1 import policy_pb2

    return policy_pb2.Policy()


CLIENTS: dict[str, tuple[str, Callable[[], object]]] = {
    "no address": ("address", lambda: UttersonClient(50051)),  # type: ignore[arg-type]
    "credentials": ("credentials", lambda: UttersonClient("h:1", credentials="secret")),  # type: ignore[arg-type]
    "a deadline": ("timeout_s", lambda: UttersonClient("h:1", timeout_s="5")),  # type: ignore[arg-type]
    "retries": ("retries", lambda: UttersonClient("h:1", retries=5)),  # type: ignore[arg-type]
    "attempts": ("attempts_max", lambda: RetryLimits(attempts_max=0)),
    "a pause": ("backoff_s", lambda: RetryLimits(backoff_s="1")),  # type: ignore[arg-type]
    "the longest pause": ("backoff_s_max", lambda: RetryLimits(backoff_s_max=True)),
}


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_of_another_kind_is_refused_when_it_is_made(name: str) -> None:
    field, make = CLIENTS[name]
    with pytest.raises(FieldError) as caught:
        make()
    assert caught.value.field == field


async def test_an_unknown_option_is_told_with_the_nearest() -> None:
    async with UttersonClient("127.0.0.1:1") as client:
        with pytest.raises(FieldError, match=r"^validat_only: is no option .* the nearest is validate_only, all are "):
            await client.identify("w", PAIRS, validat_only=True)  # type: ignore[call-arg]


async def test_what_a_stream_of_the_caller_raises_comes_as_it_is() -> None:
    async def messages() -> Any:
        yield pb.StreamResolveRequest(sequence=1)
        raise ZeroDivisionError

    async with serving() as server, UttersonClient(server.address) as client:
        with pytest.raises(ZeroDivisionError):
            async for _ in client.stream_resolve(messages()):
                pass


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_that_cannot_be_sent_is_named_by_its_field(name: str) -> None:
    field, use = VALUES[name]
    async with serving() as server, UttersonClient(server.address) as client:
        with pytest.raises(FieldError) as caught:
            await use(client)
        assert not server.asked
    assert isinstance(caught.value, ValueError)
    assert (caught.value.field, str(caught.value).split(": ")[0]) == (field, field)
    assert "canary" not in str(caught.value)
    assert str(HUGE)[:20] not in str(caught.value)


def test_what_nests_too_deep_is_named() -> None:
    assert struct_message({"x": deep(23)}, "traits") is not None  # type: ignore[dict-item]
    for levels in (24, 5000):
        with pytest.raises(FieldError, match=r"^traits\.x.*24 levels$"):
            struct_message({"x": deep(levels)}, "traits")  # type: ignore[dict-item]


def test_a_struct_is_what_was_given() -> None:
    given = {"a": None, "b": True, "c": 1, "d": 1.5, "e": "ö", "f": [1, [], {"g": {}}], "h": 2**53, "i": {"j": ("k",)}}
    message = struct_message(given, "traits")  # type: ignore[arg-type]
    assert message is not None
    told = {name: message[name] for name in ("a", "b", "c", "d", "e", "h")}
    assert told == {name: given[name] for name in told}
    assert message.fields["a"].WhichOneof("kind") == "null_value"
    assert message.fields["f"].list_value.values[1].WhichOneof("kind") == "list_value"
    assert message.fields["f"].list_value.values[2].struct_value.fields["g"].WhichOneof("kind") == "struct_value"
    assert message.fields["i"].struct_value.fields["j"].list_value.values[0].string_value == "k"


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), "1969-12-31T23:59:59.000001Z"),
        (datetime(2024, 5, 1, 12, tzinfo=EAST), "2024-05-01T11:00:00Z"),
    ],
)
def test_times(time: datetime, told: str) -> None:
    message = time_message(time, "event_time")
    assert message is not None
    assert message.ToJsonString() == told


@pytest.mark.parametrize("time", [datetime(1, 1, 1, tzinfo=EAST), datetime(9999, 12, 31, 20, tzinfo=WEST)])
def test_impossible_times(time: datetime) -> None:
    with pytest.raises(FieldError, match=r"^event_time: must be a time from the year 1"):
        time_message(time, "event_time")
