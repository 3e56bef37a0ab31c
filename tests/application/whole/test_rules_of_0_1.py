"""A workspace that 0.1 made keeps the rules of 0.1: everybody is found by what was stored (docs/rules.md, rule C1)."""

import io
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.application.conftest import refusal_of
from tests.application.whole.core import WORKSPACE, Core, core_on
from utterson.domain.errors import Reason
from utterson.store.migrate import migrate
from utterson.v1.identifier_pb2 import Disposition
from utterson.v1.policy_pb2 import BlockedList, Policy

# Tables as a build with the forms of 0.1 left them; the people with what was sent of each, and their ids.
MADE: dict[str, Any] = json.loads((Path(__file__).parent / "made_by_0_1.json").read_text())
PEOPLE: list[list[tuple[str, str]]] = [[(kind, value) for kind, value in person] for person in MADE["people"]]
IDS: list[int] = MADE["profile_ids"]


@pytest.fixture
async def old_url(database_url: str) -> str:
    """A database with a workspace of 0.1, in this build's tables."""
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    for table, rows in MADE["tables"].items():
        columns = rows.partition("\n")[0].split(",")
        source = io.BytesIO(rows.encode())
        await connection.copy_to_table(table, source=source, columns=columns, format="csv", header=True)
    # It was made in this very database.
    await connection.execute("UPDATE workspaces SET database_id = (SELECT id FROM database_ids)")
    await connection.close()
    return database_url


async def stored_policy(core: Core) -> Policy:
    return Policy.FromString((await core.workspaces.get_workspace(WORKSPACE)).policy)


async def test_everybody_is_found_by_what_was_sent(old_url: str) -> None:
    async with core_on(old_url) as core:
        for person, profile_id in zip(PEOPLE, IDS, strict=True):
            for identifier in person:
                assert (await core.search(identifier)).profile_id == profile_id, identifier
            assert (await core.identify(*person)).profile_id == profile_id


async def test_values_are_compared_in_the_forms_of_0_1(old_url: str) -> None:
    async with core_on(old_url) as core:
        # Now these would be one name, and the domain another.
        straight, sharp = await core.search(("name", "strasse")), await core.search(("name", "STRAßE"))
        assert straight.profile_id != sharp.profile_id
        assert (await core.search(("email", "ann@strasse.example"))).profile_id == IDS[0]


async def test_what_cannot_be_a_value_is_refused_whatever_a_block_says(old_url: str) -> None:
    async with core_on(old_url) as core:
        for value in ("", "anonymous", "a\u200bb"):
            error = await refusal_of(core.identify(("user_id", "u1"), ("phone", value)))
            assert error.reason is Reason.FIELD_INVALID, value
        joined = await refusal_of(core.identify(("name", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627")))
        assert joined.reason is Reason.FIELD_INVALID


async def test_a_new_policy_keeps_the_rules_of_its_workspace(old_url: str) -> None:
    async with core_on(old_url) as core:
        policy = await stored_policy(core)
        assert policy.rules_version == 0
        policy.rules_version = 1
        policy.blocked_lists.append(BlockedList.BLOCKED_LIST_PLACEHOLDERS)
        updated = await core.workspaces.update_policy(WORKSPACE, policy.SerializeToString(), "")
        assert Policy.FromString(updated.policy) == await stored_policy(core)
        assert (await stored_policy(core)).rules_version == 0
        assert (await core.search(("name", "Straße"))).profile_id == IDS[4]
        blocked = await core.identify(("user_id", "u1"), ("name", "NULL"))
        assert blocked.identifiers[1].disposition == Disposition.DISPOSITION_BLOCKED


async def test_a_new_workspace_has_the_new_rules_whatever_its_policy_says(core: Core) -> None:
    policy = await stored_policy(core)
    assert policy.rules_version == 1
    policy.rules_version = 0
    updated = await core.workspaces.update_policy(WORKSPACE, policy.SerializeToString(), "")
    assert Policy.FromString(updated.policy).rules_version == 1
