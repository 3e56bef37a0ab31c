"""Scrub and audit with the real engine and real tables: the sound is found sound, each fault of a table is found."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest
from google.protobuf.struct_pb2 import Struct

from tests.application.conftest import refusal_of
from tests.application.whole.core import WORKSPACE, Core, held
from tests.application.whole.memory import TAG_AT, TIMES_AT, flip_bit, needs_proc
from utterson import _core
from utterson.application import auditing, scrubbing
from utterson.application.auditing import Auditor, audit
from utterson.application.lane import load_pause
from utterson.application.scrubbing import Scrubber, ScrubRecord
from utterson.domain.errors import Reason
from utterson.domain.soundness import AuditFinding, AuditResult, ScrubFinding
from utterson.settings.soundness import SoundnessSettings
from utterson.v1.policy_pb2 import Policy
from utterson.v1.workspace_service_pb2 import ImportProfilesRequest

FIRST_POLICY = "SELECT policy FROM policies WHERE policy_revision = 1"


async def live(core: Core, seed: int, calls: int) -> None:
    """Make calls that create, merge, set traits and store events."""
    chance = random.Random(seed)
    kinds = ("email", "user_id", "device_id", "phone")
    for number in range(calls):
        names = [(chance.choice(kinds), f"{chance.randrange(40)}@example.com") for _ in range(chance.choice((1, 2)))]
        if number % 4 == 0:
            await core.track("walk", *names)
        else:
            await core.identify(*names, traits={"city": f"{chance.randrange(5)}"} if number % 3 == 0 else None)


async def imported(core: Core) -> None:
    """Take a small graph over, with merges that were made elsewhere."""

    async def graph() -> AsyncIterator[bytes]:
        for number in range(50):
            yield ImportProfilesRequest(
                workspace=WORKSPACE,
                identifiers=held((("user_id", f"import-{number}"),)),
                traits=Struct(),
                merges=number % 3,
            ).SerializeToString()

    await core.imports.import_profiles(WORKSPACE, graph())


async def whole_audit(core: Core) -> AuditResult:
    lane = await core.lanes.lane(WORKSPACE)
    result = await audit(core.context, lane.keys, thorough=True)
    assert result is not None
    return result


def test_the_names_are_those_of_the_core() -> None:
    assert [finding.value for finding in ScrubFinding if finding is not ScrubFinding.BROKEN] == list(
        _core.SCRUB_FINDINGS
    )
    assert {AuditFinding(name) for name in _core.AUDIT_DISAGREEMENTS} == {
        AuditFinding.GRAPH, AuditFinding.TRAITS, AuditFinding.EVENTS, AuditFinding.VALUE, AuditFinding.PROFILE,
    }  # fmt: skip


async def test_what_is_sound_is_found_sound_while_calls_come(
    core: Core, other: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "ROUND_EVERY_S", 0.0)
    monkeypatch.setattr(scrubbing, "IDLE_S", 0.01)
    scrubbers = [Scrubber(one.lanes, one.context, SoundnessSettings(scrub_percent=50)) for one in (core, other)]
    tasks = [asyncio.create_task(scrubber.run()) for scrubber in scrubbers]
    await imported(core)
    await asyncio.gather(live(core, 1, 150), live(other, 2, 150))
    state = await core.state()
    async with asyncio.timeout(20):
        while any(scrubber.records.get(WORKSPACE, ScrubRecord()).rounds < 5 for scrubber in scrubbers):
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    for scrubber in scrubbers:
        record = scrubber.records[WORKSPACE]
        assert (record.findings, record.last_finding) == ({}, None)
    result = await whole_audit(core)
    assert result.findings == {}
    assert result.head.seq >= state.head.seq > 150
    assert result.rows > 300


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM identifiers WHERE digest = (SELECT min(digest::text)::uuid FROM identifiers)", "graph"),
        ("UPDATE identifiers SET added_us = added_us + 1 WHERE profile = 1", "graph"),
        ("UPDATE identifiers SET profile = 1 WHERE slot = 0 AND profile = 2", "graph"),
        ("UPDATE identifiers SET normalized_value = 'hyde' WHERE profile = 1", "value"),
        ("UPDATE identifiers SET type = 'hyde' WHERE profile = 1", "value"),
        ("DELETE FROM profiles WHERE serial = (SELECT max(serial) FROM profiles)", "graph profile strays"),
        ("DELETE FROM profiles WHERE serial = 1", "graph profile strays gaps"),
        ("UPDATE profiles SET create_time_us = create_time_us + 1 WHERE serial = 2", "graph"),
        ("UPDATE profiles SET imported_merges = imported_merges + 1 WHERE serial = 2", "graph"),
        ("UPDATE profiles SET merged_into = 0 WHERE merged_into <> 0", "graph"),
        ("UPDATE profiles SET merged_into = serial + 1 WHERE serial = 2", "graph profile redirects"),
        ("UPDATE traits SET value = 'hyde'", "traits"),
        ("DELETE FROM traits", "traits"),
        ("DELETE FROM events WHERE position = 0", "events"),
        ("UPDATE events SET time_us = time_us + 1", "events"),
    ],
)
async def test_each_fault_of_a_table_is_found(core: Core, url: str, statement: str, found: str) -> None:
    await live(core, 3, 60)
    await imported(core)
    connection = await asyncpg.connect(url)
    changed = await connection.execute(statement)
    await connection.close()
    assert not changed.endswith(" 0"), "the fault was not seeded"
    findings = (await whole_audit(core)).findings
    told = set(found.split())
    assert told <= {finding.value for finding in findings}
    hashes = {finding.value for finding in findings} & {"graph", "traits", "events", "value"}
    assert hashes <= told, "nothing else is called wrong"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (f"UPDATE policies SET policy = ({FIRST_POLICY}) WHERE policy_revision = 2", AuditFinding.POLICIES),
        ("DELETE FROM policies WHERE policy_revision = 1", AuditFinding.POLICIES),
        ("UPDATE policies SET policy = 'nonsense' WHERE policy_revision = 2", AuditFinding.POLICIES),
        ("UPDATE requests SET fingerprint = 'nonsense'", AuditFinding.REQUESTS),
        ("DELETE FROM log_payload WHERE seq = 2", AuditFinding.PAYLOADS),
        ("DELETE FROM log WHERE seq = 2", AuditFinding.ENTRIES),
    ],
)
async def test_what_no_hash_tells_of_is_held_against_the_log_by_each_audit(
    core: Core, url: str, statement: str, found: AuditFinding
) -> None:
    await core.identify(("email", "ed.hyde@example.com"), request_id="once")
    made = await core.workspaces.get_workspace(WORKSPACE)
    policy = Policy.FromString(made.policy)
    policy.blocked.add(exact="anonymous")
    await core.workspaces.update_policy(WORKSPACE, policy.SerializeToString(), made.etag)
    await core.identify(("email", "henry.jekyll@example.com"))
    keys = (await core.lanes.lane(WORKSPACE)).keys
    sound = await audit(core.context, keys)
    assert sound is not None
    assert sound.findings == {}
    connection = await asyncpg.connect(url)
    changed = await connection.execute(statement)
    await connection.close()
    assert not changed.endswith(" 0"), "the fault was not seeded"
    result = await audit(core.context, keys)
    assert result is not None
    assert found in result.findings


async def test_a_lost_row_is_told_and_drops_the_state_until_it_is_back(
    core: Core, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(auditing, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(auditing, "HOUR_S", 0.0001)
    monkeypatch.setattr(load_pause, "LONGEST_S", 0.0)
    made = await core.identify(("email", "ed.hyde@example.com"), ("device_id", "d"))
    before = await core.state()
    auditor = Auditor(core.lanes, core.context, SoundnessSettings(audit_hours=1))
    task = asyncio.create_task(auditor.run())
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE lost AS SELECT * FROM identifiers WHERE type = 'email'")
    await connection.execute("DELETE FROM identifiers WHERE type = 'email'")
    lane = await core.lanes.lane(WORKSPACE)
    async with asyncio.timeout(10):
        while lane.state is not None:
            await asyncio.sleep(0.01)
    task.cancel()
    assert auditor.results[WORKSPACE].findings == {AuditFinding.GRAPH: 1}
    assert "the audit found the tables wrong at 1: graph 1" in caplog.text
    refusal = await refusal_of(core.identify(("device_id", "d")))
    assert refusal.reason is Reason.INTERNAL_FAULT, "a load refuses the tables, as after a restart"
    await connection.execute("INSERT INTO identifiers SELECT * FROM lost")
    await connection.close()
    assert (await core.identify(("email", "ed.hyde@example.com"))).profile_id == made.profile_id
    assert await core.state() is not before


@needs_proc
@pytest.mark.parametrize(("at", "finding"), [(TAG_AT, ScrubFinding.ABSENT), (TIMES_AT, ScrubFinding.SUM)])
async def test_a_broken_bit_is_told_and_the_state_loaded_anew(
    core: Core, at: int, finding: ScrubFinding, caplog: pytest.LogCaptureFixture
) -> None:
    await live(core, 4, 60)
    made = await core.identify(("email", "ed.hyde@example.com"))
    broken = await core.state()
    view = broken.profile(made.profile_id, 10)
    assert view is not None
    (digest,) = view.digests
    flip_bit(digest, at)
    scrubber = Scrubber(core.lanes, core.context, SoundnessSettings(scrub_percent=50))
    task = asyncio.create_task(scrubber.run())
    lane = await core.lanes.lane(WORKSPACE)
    async with asyncio.timeout(5):
        while lane.state is not None:
            await asyncio.sleep(0.005)
    task.cancel()
    assert scrubber.records[WORKSPACE].findings == {finding: 1}
    assert f"the scrub found the state broken: {finding.value}" in caplog.text
    assert (await core.identify(("email", "ed.hyde@example.com"))).profile_id == made.profile_id
    assert await core.state() is not broken
