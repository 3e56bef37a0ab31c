"""Imports: all or nothing, repeatable, beside other calls."""

import asyncio
import json

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of, stream
from tests.application.fake_engine import FakeState, digest_of
from utterson.application.calls import imports
from utterson.domain.chain import Head
from utterson.domain.errors import Reason, UttersonError
from utterson.v1.workspace_service_pb2 import ImportProfilesResponse


async def test_an_import_is_all_or_nothing_and_repeatable(replica: Replica, other: Replica) -> None:
    error = await refusal_of(replica.imports.import_profiles(WORKSPACE, stream(b"a", b"bad", b"c")))
    assert (error.reason, error.message) == (Reason.FIELD_INVALID, "messages[1]")
    assert (await replica.call("read:a"))["serial"] == 0
    answer = await replica.imports.import_profiles(WORKSPACE, stream(b"a", b"b", b"c"))
    assert json.loads(answer) == [1, 2, 3]
    # The answer as it was, and behind it that this is no first time.
    again = await other.imports.import_profiles(WORKSPACE, stream(b"a", b"b", b"c"))
    assert again == answer + ImportProfilesResponse(already_taken_over=True).SerializeToString()
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


async def test_an_import_takes_as_many_messages_as_it_says_and_no_more(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MESSAGES_MAX", 3)
    error = await refusal_of(replica.imports.import_profiles(WORKSPACE, stream(b"a", b"b", b"c", b"d")))
    assert error.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in error.violations] == ["messages[3]"]
    assert (await replica.state()).owners == {}
    assert json.loads(await replica.imports.import_profiles(WORKSPACE, stream(b"a", b"b", b"c"))) == [1, 2, 3]


async def test_an_import_takes_as_many_bytes_as_it_says_and_no_more(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "IMPORT_BYTES_MAX", 4)
    error = await refusal_of(replica.imports.import_profiles(WORKSPACE, stream(b"aa", b"bbb")))
    assert error.reason is Reason.QUOTA_EXCEEDED
    assert json.loads(await replica.imports.import_profiles(WORKSPACE, stream(b"aa", b"bb"))) == [1, 2]


async def test_a_graph_is_decided_in_a_thread_and_its_last_decision_counts() -> None:
    state = FakeState(Head(0, bytes(16)), 1, b"policy")
    graph = imports.GraphImport([b"a"])
    assert graph.threaded
    assert not graph.allows_deciding_ahead
    assert await graph.decide(state, 0, bytes(16)) is graph.plan is not None
    state.requests.add(digest_of("import"))
    assert await graph.decide(state, 0, bytes(16)) is None
    assert graph.plan is None
    assert graph.repeated is not None
