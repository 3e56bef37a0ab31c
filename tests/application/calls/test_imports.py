"""Imports: all or nothing, repeatable, beside other calls."""

import asyncio
import json

from tests.application.conftest import WORKSPACE, Replica, refusal_of, stream
from utterson.domain.errors import Reason, UttersonError


async def test_an_import_is_all_or_nothing_and_repeatable(replica: Replica, other: Replica) -> None:
    error = await refusal_of(replica.imports.import_profiles(WORKSPACE, stream(b"a", b"bad", b"c")))
    assert (error.reason, error.message) == (Reason.FIELD_INVALID, "messages[1]")
    assert (await replica.call("read:a"))["serial"] == 0
    answer = await replica.imports.import_profiles(WORKSPACE, stream(b"a", b"b", b"c"))
    assert json.loads(answer) == [1, 2, 3]
    assert await other.imports.import_profiles(WORKSPACE, stream(b"a", b"b", b"c")) == answer
    assert (await other.call("read:c"))["serial"] == 3


async def test_calls_beside_an_import(replica: Replica) -> None:
    results = await asyncio.gather(
        replica.imports.import_profiles(WORKSPACE, stream(*(b"i%d" % number for number in range(5000)))),
        *(replica.call(f"add:{number}") for number in range(50)),
        *(replica.profiles.get_profiles(WORKSPACE, [1], "", None) for _ in range(5)),
        return_exceptions=True,
    )
    unexpected = [
        result
        for result in results
        if isinstance(result, BaseException)
        and not (isinstance(result, UttersonError) and result.reason is Reason.PROFILE_NOT_FOUND)
    ]
    assert unexpected == []
    assert len((await replica.state()).owners) == 5050
