"""The audit: what the tables lost is told, and the state is dropped where a load would meet it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.application.conftest import WORKSPACE, Replica, refusal_of
from tests.application.faulty import execute
from utterson.application import auditing
from utterson.application.auditing import Auditor, audit
from utterson.application.lane import load_pause
from utterson.domain.chain import FailureKind, StoreFailureError, WorkspaceKeys
from utterson.domain.errors import Reason
from utterson.domain.soundness import AuditFinding, AuditResult
from utterson.settings.soundness import SoundnessSettings

EVENT = "INSERT INTO events SELECT workspace_key, 1, 1, 1, 0, 'a walk' FROM workspaces"
LOST = "DELETE FROM identifiers"


@asynccontextmanager
async def audited(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Auditor]:
    """Audit again and again for as long as the context lasts."""
    monkeypatch.setattr(auditing, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(auditing, "HOUR_S", 0.01)
    auditor = Auditor(replica.lanes, replica.context, SoundnessSettings(audit_hours=1))
    task = asyncio.create_task(auditor.run())
    yield auditor
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


async def until_result(auditor: Auditor, *, wrong: bool) -> AuditResult:
    async with asyncio.timeout(5):
        while WORKSPACE not in auditor.results or bool(auditor.results[WORKSPACE].findings) is not wrong:
            await asyncio.sleep(0.005)
    return auditor.results[WORKSPACE]


async def keys(replica: Replica) -> WorkspaceKeys:
    return (await replica.lane()).keys


async def test_sound_tables_are_told_by_their_head(replica: Replica) -> None:
    await replica.call("add:x")
    await replica.call("add:y")
    state = await replica.state()
    for thorough in (False, True):
        result = await audit(replica.context, await keys(replica), thorough=thorough)
        assert result == AuditResult(state.head, 2, {})


async def test_what_contradicts_itself_is_counted_where_something_is_wrong(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    await execute(url, "INSERT INTO profiles SELECT workspace_key, 5, 1, 0, 0 FROM workspaces")
    result = await audit(replica.context, await keys(replica))
    assert result is not None
    assert result.findings == {}, "the fake engine hashes identifiers only"
    for thorough, finding in ((True, {}), (False, {AuditFinding.GRAPH: 1})):
        if finding:
            await execute(url, LOST)
        result = await audit(replica.context, await keys(replica), thorough=thorough)
        assert result is not None
        assert result.findings == {**finding, AuditFinding.GAPS: 3}


async def test_each_audit_looks_whether_the_log_is_whole(replica: Replica, url: str) -> None:
    for name in ("x", "y", "z"):
        await replica.call(f"add:{name}")
    await execute(url, "DELETE FROM log WHERE seq = 2", "DELETE FROM log_payload WHERE seq = 3")
    result = await audit(replica.context, await keys(replica))
    assert result is not None
    assert result.findings == {AuditFinding.ENTRIES: 1, AuditFinding.PAYLOADS: 1}


async def test_rows_that_cannot_be_read_are_told(replica: Replica, url: str) -> None:
    await replica.call("add:x")
    await execute(url, "UPDATE identifiers SET type = 'unreadable'")
    result = await audit(replica.context, await keys(replica))
    assert result is not None
    assert result.findings == {AuditFinding.UNREADABLE: 1}


async def test_a_workspace_without_a_log_has_no_audit(replica: Replica, url: str) -> None:
    await execute(url, "DELETE FROM log")
    assert await audit(replica.context, await keys(replica)) is None


async def test_a_lost_row_is_told_and_the_state_is_loaded_anew_once_the_row_is_back(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(load_pause, "LONGEST_S", 0.0)
    await replica.call("add:x")
    before = await replica.state()
    async with audited(replica, monkeypatch) as auditor:
        await until_result(auditor, wrong=False)
        await execute(url, "CREATE TABLE lost AS SELECT * FROM identifiers", LOST)
        assert (await until_result(auditor, wrong=True)).findings == {AuditFinding.GRAPH: 1}
        assert (await replica.lane()).state is None
        assert (await refusal_of(replica.call("read:x"))).reason is Reason.INTERNAL_FAULT
        await execute(url, "INSERT INTO identifiers SELECT * FROM lost")
        assert (await replica.call("read:x"))["serial"] == 1
        assert await replica.state() is not before
        await until_result(auditor, wrong=False)
    told = [(entry.levelname, entry.message) for entry in caplog.records]
    assert ("ERROR", "workspace soho: the audit found the tables wrong at 1: graph 1") in told
    assert any("state dropped" in message for _, message in told)


async def test_events_are_told_and_the_state_stays(
    replica: Replica, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state = await replica.state()
    await execute(url, EVENT)
    async with audited(replica, monkeypatch) as auditor:
        assert (await until_result(auditor, wrong=True)).findings == {AuditFinding.EVENTS: 1}
        assert (await replica.lane()).state is state
    assert "the audit found the tables wrong at 0: events 1" in caplog.text


async def test_an_audit_that_breaks_off_is_tried_again(
    replica: Replica, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await replica.state()
    read = replica.store.audits.read
    failures = 2

    async def fail(*arguments: object) -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StoreFailureError(FailureKind.UNKNOWN, "08006")
        return await read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(replica.store.audits, "read", fail)
    caplog.set_level(logging.INFO)
    async with audited(replica, monkeypatch) as auditor:
        await until_result(auditor, wrong=False)
    assert caplog.text.count("broken off and will be tried again") == 2
    assert "audit: 0 rows are as the log tells at 0" in caplog.text


async def test_a_state_that_was_loaded_just_now_is_not_due(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    await replica.state()
    monkeypatch.setattr(auditing, "LOOK_EVERY_S", 0.005)
    auditor = Auditor(replica.lanes, replica.context, SoundnessSettings())
    task = asyncio.create_task(auditor.run())
    await asyncio.sleep(0.05)
    task.cancel()
    assert auditor.results == {}


async def test_the_first_one_comes_an_hour_after_the_load(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is started anew every day would else never audit."""
    await replica.state()
    monkeypatch.setattr(auditing, "LOOK_EVERY_S", 0.005)
    monkeypatch.setattr(auditing, "HOUR_S", 0.05)
    auditor = Auditor(replica.lanes, replica.context, SoundnessSettings(audit_hours=100_000))
    task = asyncio.create_task(auditor.run())
    await until_result(auditor, wrong=False)
    task.cancel()


async def test_never_is_never(replica: Replica) -> None:
    auditor = Auditor(replica.lanes, replica.context, SoundnessSettings(audit_hours=0))
    await asyncio.wait_for(auditor.run(), timeout=1)
