"""The use cases with the real engine on a real Postgres: what the fake engine cannot show."""

import asyncio
import time
from collections.abc import AsyncIterator

from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from tests.application.conftest import refusal_of
from tests.application.whole.core import WORKSPACE, Core, core_on, held
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason
from utterson.engine.core_engine import CoreEngine
from utterson.v1 import identity_service_pb2 as messages
from utterson.v1.policy_pb2 import IdentifierType, Normalization, Policy, UnlistedTypes
from utterson.v1.profile_service_pb2 import HistoryEntry, StoredEvent
from utterson.v1.resolution_pb2 import Outcome
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest, ImportProfilesResponse

EPOCH_US = 1_700_000_000_000_000


async def test_a_merge_is_seen_by_both_replicas_in_every_reader(core: Core, other: Core) -> None:
    first = await core.identify(("email", "ed.hyde@example.com"), traits={"city": "London", "age": 40})
    second = await other.identify(("phone", "+442071838750"), traits={"city": "Soho"})
    await other.track("walk", ("phone", "+442071838750"))
    merged = await core.identify(("email", "ed.hyde@example.com"), ("phone", "+442071838750"))
    assert (merged.outcome, merged.profile_id) == (Outcome.OUTCOME_MERGED, first.profile_id)
    assert list(merged.merged_profile_ids) == [second.profile_id]
    for replica in (other, core):
        loser, survivor = await replica.profiles.get_profiles(
            WORKSPACE, [second.profile_id, first.profile_id], merged.revision, None
        )
        assert loser.profile_id == survivor.profile_id == first.profile_id
        assert (loser.merged_into, survivor.merged_into) == (first.profile_id, 0)
        assert {row.type for row in survivor.identifiers} == {"email", "phone"}
        traits = {row.name: Value.FromString(row.value) for row in survivor.traits}
        assert traits["city"].string_value == "Soho"
        assert traits["age"].number_value == 40
        events = await replica.profiles.list_events(WORKSPACE, second.profile_id, 0, "")
        assert [StoredEvent.FromString(event).name for event in events.items] == ["walk"]
        history = await replica.profiles.list_history(WORKSPACE, first.profile_id, 0, "")
        told = [HistoryEntry.FromString(entry) for entry in history.items]
        assert [entry.outcome for entry in told] == [
            Outcome.OUTCOME_MERGED, Outcome.OUTCOME_MATCHED, Outcome.OUTCOME_CREATED, Outcome.OUTCOME_CREATED,
        ]  # fmt: skip
        assert told[0].revision == merged.revision
    assert (await core.state()).state_hash == (await other.state()).state_hash


async def test_two_replicas_at_once_agree_and_a_third_loads_the_same(core: Core, other: Core, url: str) -> None:
    def calls(replica: Core, start: int) -> list[object]:
        return [
            replica.identify(("email", f"e{(start * 7 + n) % 30}@example.com"), ("device", f"d{(start + n * 3) % 40}"))
            for n in range(150)
        ]

    answers = await asyncio.gather(*calls(core, 1), *calls(other, 5), return_exceptions=True)  # type: ignore[call-overload]
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    await asyncio.gather(core.search(("email", "e0@example.com")), other.search(("email", "e0@example.com")))
    ours, theirs = await core.state(), await other.state()
    assert (ours.head, ours.state_hash) == (theirs.head, theirs.state_hash)
    async with core_on(url) as third:
        loaded = await third.state()
        assert (loaded.head, loaded.state_hash) == (ours.head, ours.state_hash)
        for answer in answers[:20]:
            (record,) = await third.profiles.get_profiles(WORKSPACE, [answer.profile_id], "", None)
            assert record.identifiers


async def test_a_repeated_request_answers_the_same_on_another_replica(core: Core, other: Core) -> None:
    first = await core.identify(("email", "a@example.com"), request_id="r1")
    again = await other.identify(("email", "a@example.com"), request_id="r1")
    assert again == first
    error = await refusal_of(other.identify(("email", "b@example.com"), request_id="r1"))
    assert error.reason is Reason.REQUEST_ID_REUSED


async def test_a_dry_run_and_a_refusal_write_nothing(core: Core) -> None:
    before = (await core.state()).head
    dry = await core.identify(("email", "a@example.com"), validate_only=True)
    assert (dry.profile_id, dry.outcome) == (0, Outcome.OUTCOME_CREATED)
    error = await refusal_of(core.identify(("email", "\x00")))
    assert error.reason is Reason.FIELD_INVALID
    assert (await core.state()).head == before
    assert (await refusal_of(core.search(("email", "a@example.com")))).reason is Reason.NO_MATCH


async def test_an_unresolved_event_is_listed_under_profile_zero(core: Core) -> None:
    made = await core.workspaces.get_workspace(WORKSPACE)
    policy = Policy.FromString(made.policy)
    policy.blocked.add(exact="anonymous")
    await core.workspaces.update_policy(WORKSPACE, policy.SerializeToString(), made.etag)
    answer = await core.track("lost", ("email", "anonymous"))
    assert answer.outcome == Outcome.OUTCOME_UNRESOLVED
    assert answer.profile_id == 0
    page = await core.profiles.list_events(WORKSPACE, 0, 0, "")
    assert [StoredEvent.FromString(event).name for event in page.items] == ["lost"]


async def test_a_policy_changes_in_the_logs_order_and_the_etag_holds(core: Core, other: Core) -> None:
    made = await core.workspaces.get_workspace(WORKSPACE)
    await other.identify(("email", "a@example.com"))
    preset = CoreEngine().preset_policy("unify")
    assert preset is not None
    changed = await other.workspaces.update_policy(WORKSPACE, preset.policy, made.etag)
    assert changed.policy_revision == 2
    assert (
        await refusal_of(core.workspaces.update_policy(WORKSPACE, preset.policy, made.etag))
    ).reason is Reason.ETAG_MISMATCH
    assert await core.workspaces.get_workspace(WORKSPACE) == changed
    assert (await core.identify(("email", "a@example.com"))).policy_revision == 2
    isolation = CoreEngine().preset_policy("default")
    assert isolation is not None
    error = await refusal_of(core.workspaces.update_policy(WORKSPACE, isolation.policy, ""))
    assert error.reason is Reason.POLICY_CHANGE_FORBIDDEN


async def test_a_type_that_was_dropped_returns_as_it_was_on_every_replica(core: Core, other: Core, url: str) -> None:
    def taking(*types: IdentifierType) -> bytes:
        policy = Policy(identifier_types=types, unlisted_types=UnlistedTypes.UNLISTED_TYPES_IGNORE)
        policy.merge.SetInParent()
        return policy.SerializeToString()

    user = IdentifierType(name="user_id")
    lower = IdentifierType(name="email", normalization=Normalization.NORMALIZATION_LOWER)
    as_sent = IdentifierType(name="email", normalization=Normalization.NORMALIZATION_NONE)
    # Only what was in force while identifiers were stored counts.
    for policy in (taking(user, as_sent), taking(user, lower)):
        await core.workspaces.update_policy(WORKSPACE, policy, "")
    made = await core.identify(("user_id", "1"), ("email", "Ed@example.com"))
    for policy in (taking(user), taking(user)):
        await core.workspaces.update_policy(WORKSPACE, policy, "")
    await other.identify(("user_id", "1"))
    async with core_on(url) as loaded:
        for replica in (core, other, loaded):
            error = await refusal_of(replica.workspaces.update_policy(WORKSPACE, taking(user, as_sent), ""))
            assert error.reason is Reason.POLICY_CHANGE_FORBIDDEN
            assert [one.field for one in error.violations] == ["policy.identifier_types[1].normalization"]
        returned = await loaded.workspaces.update_policy(WORKSPACE, taking(user, lower), "")
    assert returned.policy_revision == 6
    assert (await core.search(("email", "ED@example.com"))).profile_id == made.profile_id


async def test_an_import_is_taken_over_whole_and_repeatable(core: Core, other: Core) -> None:
    async def graph() -> AsyncIterator[bytes]:
        for number in range(2000):
            traits = Struct()
            traits.update({"number": str(number)})
            yield ImportProfilesRequest(
                workspace=WORKSPACE,
                identifiers=held((("user_id", f"u{number}"), ("email", f"u{number}@example.com"))),
                traits=traits,
                create_time=Timestamp(seconds=1_600_000_000 + number),
                merges=number % 3,
                request_id="import-1" if number == 0 else "",
            ).SerializeToString()

    made = ImportProfilesResponse.FromString(await core.imports.import_profiles(WORKSPACE, graph()))
    assert len(set(made.profile_ids)) == 2000
    again = ImportProfilesResponse.FromString(await other.imports.import_profiles(WORKSPACE, graph()))
    assert (again.profile_ids, again.already_taken_over) == (made.profile_ids, True)
    assert not made.already_taken_over
    found = await other.search(("user_id", "u1999"))
    assert found.profile_id == made.profile_ids[1999]
    (record,) = await other.profiles.get_profiles(WORKSPACE, [found.profile_id], "", None)
    assert (record.merges, record.create_time_us) == (1, (1_600_000_000 + 1999) * 1_000_000)
    assert (await core.state()).state_hash == (await other.state()).state_hash


async def test_a_batch_answers_each_call_by_itself(core: Core) -> None:
    calls = [
        messages.Call(identify=messages.IdentifyRequest(identifiers=held((("email", "a@example.com"),)))),
        messages.Call(identify=messages.IdentifyRequest()),
        messages.Call(identify=messages.IdentifyRequest(workspace="nowhere", identifiers=held((("email", "a"),)))),
        messages.Call(track=messages.TrackRequest(identifiers=held((("email", "a@example.com"),)))),
    ]
    request = messages.BatchResolveRequest(workspace=WORKSPACE, calls=calls)
    answer = messages.BatchResolveResponse.FromString(await core.identity.resolve_batch(request.SerializeToString()))
    kinds = [result.WhichOneof("result") for result in answer.results]
    assert kinds[:3] == ["resolution", "error", "error"]
    assert len(kinds) == 4
    reasons = [result.error.details[0].value for result in answer.results if result.WhichOneof("result") == "error"]
    assert b"WORKSPACE_NOT_FOUND" in reasons[1]


async def test_a_hit_is_answered_at_once_and_a_call_that_writes_is_not(core: Core) -> None:
    first = await core.identify(("email", "ed.hyde@example.com"))
    state = await core.state()

    def at_once(value: str) -> bytes | None:
        request = messages.IdentifyRequest(workspace=WORKSPACE, identifiers=held((("email", value),)))
        group = CoreEngine().parse_call(CallKind.IDENTIFY, request.SerializeToString())
        return state.answer_hit(group, time.time_ns() // 1000, default_strong=False)

    answer = at_once("ed.hyde@example.com")
    assert answer is not None
    hit = messages.IdentifyResponse.FromString(answer).resolution
    assert (hit.profile_id, hit.outcome, hit.revision) == (first.profile_id, Outcome.OUTCOME_MATCHED, first.revision)
    assert at_once("new@example.com") is None
