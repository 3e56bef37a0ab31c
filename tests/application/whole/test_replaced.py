"""What left a profile for another value is told with its value, wherever that is by then (rule I5)."""

import asyncio

import pytest

from tests.application.whole.core import WORKSPACE, Core, held
from utterson.domain.calls import CallKind
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.profile_service_pb2 import CallKind as CallNumber
from utterson.v1.profile_service_pb2 import HistoryEntry
from utterson.v1.resolution_pb2 import Resolution

SHOP = "shop"
CUSTOMER = ("customer_id", "C1")


def identify(*identifiers: tuple[str, str], **more: object) -> messages.IdentifyRequest:
    return messages.IdentifyRequest(workspace=SHOP, identifiers=held(identifiers), **more)  # type: ignore[arg-type]


def told(resolution: Resolution) -> list[list[tuple[str, str]]]:
    return [[(one.type, one.value) for one in result.replaced] for result in resolution.identifiers]


class Shop:
    """A workspace of the isolation family."""

    def __init__(self, core: Core) -> None:
        self.core = core

    async def identify(self, *identifiers: tuple[str, str], **more: object) -> Resolution:
        answer = await self.core.identity.resolve(CallKind.IDENTIFY, identify(*identifiers, **more).SerializeToString())
        return messages.IdentifyResponse.FromString(answer).resolution


@pytest.fixture
async def shop(core: Core) -> Shop:
    await core.workspaces.create_workspace(SHOP, None, "profile_isolation")
    return Shop(core)


async def test_the_value_that_left_is_told_as_it_was_sent(shop: Shop) -> None:
    await shop.identify(CUSTOMER, ("email", "Ed.Hyde@example.com"))
    answer = await shop.identify(CUSTOMER, ("email", "b@example.com"), request_id="r", explain=True)
    assert told(answer) == [[], [("email", "Ed.Hyde@example.com")]]
    assert ["email" in warning and "@" not in warning for warning in answer.warnings] == [True]
    assert [check.figure for check in answer.explanation.rounds[-1].checks if check.rule == "I5"] == [1]
    again = await shop.identify(CUSTOMER, ("email", "b@example.com"), request_id="r", explain=True)
    assert again == answer, "what was recorded has it too"
    page = await shop.core.profiles.list_history(SHOP, answer.profile_id, 0, "")
    newest = HistoryEntry.FromString(page.items[0])
    assert newest.call == CallNumber.CALL_KIND_IDENTIFY
    assert [(one.type, one.profile_id, one.now_orphaned) for one in newest.changes] == [
        ("email", answer.profile_id, False)
    ]
    assert b"@example.com" not in b"".join(page.items)


async def test_a_dry_run_tells_it_and_leaves_it(shop: Shop) -> None:
    await shop.identify(CUSTOMER, ("email", "a@example.com"))
    for _ in range(2):
        answer = await shop.identify(CUSTOMER, ("email", "b@example.com"), validate_only=True)
        assert told(answer) == [[], [("email", "a@example.com")]]


async def test_values_of_the_same_batch_are_told_and_those_of_before(shop: Shop) -> None:
    await shop.identify(CUSTOMER, ("email", "A@example.com"))
    request = messages.BatchResolveRequest(workspace=SHOP)
    for value in ("b@example.com", "a@example.com", "c@example.com"):
        request.calls.add(identify=identify(CUSTOMER, ("email", value)))
    reply = await shop.core.identity.resolve_batch(request.SerializeToString())
    results = messages.BatchResolveResponse.FromString(reply).results
    values = [told(result.resolution)[1] for result in results]
    assert values == [[("email", "A@example.com")], [("email", "b@example.com")], [("email", "a@example.com")]]


async def test_calls_that_follow_one_another_without_a_pause(shop: Shop, other: Core) -> None:
    """Decided while the commit before is under way, and on two servers: each tells what it really took off."""
    await shop.identify(CUSTOMER, ("email", "0@example.com"))
    doors = [shop, Shop(other)]
    answers = await asyncio.gather(
        *(doors[number % 2].identify(CUSTOMER, ("email", f"{number}@example.com")) for number in range(1, 60))
    )
    left = sorted(value for answer in answers for _, value in told(answer)[1])
    (record,) = await shop.core.profiles.get_profiles(SHOP, [answers[0].profile_id], "", None)
    stays = {row.raw_value for row in record.identifiers if row.type == "email"}
    assert sorted([*left, *stays]) == sorted(f"{number}@example.com" for number in range(60))


async def test_nothing_is_told_where_nothing_left(core: Core) -> None:
    answer = await core.identify(("email", "a@example.com"), ("email", "b@example.com"))
    assert told(answer) == [[], []]
    assert WORKSPACE != SHOP
