"""No key of the tables keeps an exclusive identifier to one profile: whoever loads its workspace notices."""

import asyncpg
import pytest

from tests.application.conftest import refusal_of
from tests.application.whole.core import Core, core_on
from utterson.application.lane import load_pause
from utterson.domain.errors import Reason

VALUE = "ed.hyde@example.com"
# What no commit of the core does: the younger profile gets the older one's identifier as well.
SECOND_OWNER = """
    INSERT INTO identifiers
    SELECT workspace_key, digest, slot, 2, type, normalized_value, raw_value, added_us, seen_day
    FROM identifiers WHERE profile = 1
"""


async def test_a_workspace_with_an_identifier_of_two_owners_is_not_served(
    core: Core, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(load_pause, "LONGEST_S", 0.0)
    await core.identify(("email", VALUE))
    await core.identify(("phone", "+442071838750"))
    connection = await asyncpg.connect(url)
    await connection.execute(SECOND_OWNER)
    async with core_on(url) as other:
        for _ in range(3):
            refusal = await refusal_of(other.identify(("email", VALUE)))
            assert (refusal.reason, VALUE in str(refusal)) == (Reason.INTERNAL_FAULT, False)
        assert "an identifier that only one profile may hold has two owners in the table" in caplog.text
        assert VALUE not in caplog.text
        # Once it is mended, nothing has to be started anew.
        await connection.execute("DELETE FROM identifiers WHERE profile = 2 AND type = 'email'")
        assert (await other.identify(("email", VALUE))).profile_id
    await connection.close()
