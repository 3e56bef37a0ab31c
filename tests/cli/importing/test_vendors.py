"""The files of other vendors: what becomes of their lines."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.cli.importing.helping import run, write
from utterson.cli.importing.forms import FileForm
from utterson.cli.importing.judging import RecordJudge, policy_of_preset
from utterson.cli.importing.records import ImportFileError, Record
from utterson.cli.importing.sources import Source
from utterson.client import UttersonClient
from utterson.v1 import identity_service_pb2 as pb

TIME = "2024-05-01T12:00:00.000Z"
EVENTS: list[dict[str, Any]] = [
    {"type": "page", "anonymousId": "a1", "messageId": "m1", "timestamp": TIME, "name": "Home", "userId": None},
    {
        "type": "identify",
        "anonymousId": "a1",
        "userId": "u1",
        "messageId": "m2",
        "timestamp": TIME,
        "traits": {"email": "ann@example.com", "plan": "gold"},
        "context": {"traits": {"city": "Soho"}, "device": {"type": "ios", "id": "D", "advertisingId": "I"}},
    },
    {
        "type": "track",
        "userId": "u1",
        "messageId": "m3",
        "originalTimestamp": TIME,
        "event": "Bought",
        "properties": {"price": 7},
        "context": {"externalIds": [{"type": "Phone", "id": "1", "collection": "users"}, {"type": "x", "id": "2"}]},
    },
    {"type": "alias", "userId": "u1", "previousId": "a1", "messageId": "m4", "timestamp": TIME},
    {"type": "group", "userId": "u1", "groupId": "g", "messageId": "m5", "traits": {"email": "of@group"}},
]


def archive(folder: Path, *events: object) -> Path:
    """Write lines as the archive has them."""
    path = folder / "1714.gz"
    path.write_bytes(gzip.compress("".join(f"{json.dumps(event)}\n" for event in events).encode()))
    return path


def read(path: Path, form: FileForm) -> list[Record]:
    """Read a vendor's file."""
    return list(Source(str(path), form).records())


def call(record: Record) -> pb.Call:
    """Take the call of a record."""
    assert record.call is not None, record.findings
    return record.call


def pairs(request: pb.IdentifyRequest | pb.TrackRequest) -> list[tuple[str, str]]:
    """Tell identifiers in plain values."""
    return [(one.type, one.value) for one in request.identifiers]


def test_segment_s_archive(tmp_path: Path) -> None:
    page, identify, track, alias, group = read(archive(tmp_path, *EVENTS), FileForm.SEGMENT)
    assert call(page).track.event.name == "page: Home"
    assert pairs(call(page).track) == [("anonymous_id", "a1")]
    assert call(page).track.event.message_id == "m1"
    request = call(identify).identify
    assert pairs(request) == [
        ("user_id", "u1"),
        ("anonymous_id", "a1"),
        ("email", "ann@example.com"),
        ("ios.id", "D"),
        ("ios.idfa", "I"),
    ]
    assert dict(request.traits) == {"city": "Soho", "email": "ann@example.com", "plan": "gold"}
    assert request.event_time.ToJsonString() == "2024-05-01T12:00:00Z"
    assert pairs(call(track).track) == [("user_id", "u1"), ("phone", "1"), ("x", "2")]
    assert call(track).track.event.properties["price"] == 7
    assert not alias.is_sent
    assert not alias.is_faulty
    assert pairs(call(group).track) == [("user_id", "u1")]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "bought"},
        {"type": "track", "userId": [1]},
        {"type": "identify", "traits": 1},
        {"type": "track", "timestamp": "now"},
    ],
)
def test_what_is_no_event_is_a_fault_of_its_line(event: dict[str, object], tmp_path: Path) -> None:
    (record,) = read(archive(tmp_path, event), FileForm.SEGMENT)
    assert record.is_faulty
    assert record.told(record.findings[0]).startswith("line 1")


async def test_an_archive_goes_through_the_rules_once(address: str, tmp_path: Path) -> None:
    path = archive(tmp_path, *EVENTS, {"type": "bought"})
    for told in ("4 calls", "4 calls"):
        said = await run(path, address, "archive", "--format", "segment", "--skip-faults")
        assert (said.code, said.error) == (0, "")
        assert said.told.startswith(told)
        assert "1 is at fault: left out" in said.told
    async with UttersonClient(address) as client:
        found = await client.search("archive", [("user_id", "u1")])
        profile = (await client.get_profile("archive", found.profile_id)).profile
        events = [event.name async for event in client.list_events("archive", found.profile_id)]
    assert {one.identifier.value for one in profile.identifiers} == {"u1", "a1", "ann@example.com", "D", "I", "1", "2"}
    assert sorted(events) == ["Bought", "group", "page: Home"]


BATCH = {
    "mpid": -7346244611012968789,
    "timestamp_unixtime_ms": 1714564800000,
    "user_identities": {"customerid": "c1", "email": "ann@example.com"},
    "user_attributes": {"plan": "gold"},
    "device_info": {"ios_idfv": "V", "android_advertising_id": "G", "platform": "iOS"},
    "mp_deviceid": "S",
    "events": [
        {
            "event_type": "custom_event",
            "data": {"event_name": "Bought", "timestamp_unixtime_ms": 1714564801000, "custom_attributes": {"price": 7}},
        }
    ],
}


def test_mparticle_s_batches(tmp_path: Path) -> None:
    identify, track = read(archive(tmp_path, BATCH), FileForm.MPARTICLE)
    assert pairs(call(identify).identify) == [
        ("customer_id", "c1"),
        ("email", "ann@example.com"),
        ("idfv", "V"),
        ("gaid", "G"),
        ("device_application_stamp", "S"),
    ]
    assert dict(call(identify).identify.traits) == {"plan": "gold"}
    assert call(track).track.event.name == "Bought"
    assert call(track).track.event_time.ToJsonString() == "2024-05-01T12:00:01Z"
    listed = BATCH | {"user_identities": [{"identity_type": "customer_id", "identity": "c1"}]}
    assert pairs(call(read(archive(tmp_path, listed), FileForm.MPARTICLE)[0]).identify)[0] == ("customer_id", "c1")
    (record,) = read(archive(tmp_path, {"events": []}), FileForm.MPARTICLE)
    assert record.told(record.findings[0]).startswith("line 1: is no batch of mParticle's")


def tables(folder: Path, ending: str) -> Path:
    """Write the three tables of Profiles Sync."""
    database = duckdb.connect()
    at = "TIMESTAMP '2024-05-01 12:00:00' + n * INTERVAL 1 MINUTE"
    rows = {
        "id_graph_updates": f"SELECT s AS segment_id, c AS canonical_segment_id, {at} AS timestamp FROM (VALUES"
        " ('s1', 's1', 0), ('s2', 's2', 1), ('s3', 's3', 2), ('s2', 's1', 3), ('s4', 's4', 4), ('s1', 's4', 5))"
        " AS t(s, c, n)",
        "external_id_mapping_updates": f"SELECT s AS segment_id, t AS external_id_type, v AS external_id_value, {at} AS"
        " timestamp FROM (VALUES ('s1', 'anonymous_id', 'a1', 0), ('s2', 'user_id', 'u1', 1),"
        " ('s3', 'user_id', 'u3', 2), ('s4', 'email', 'ann@example.com', 4)) AS x(s, t, v, n)",
        "profile_traits_updates": f"SELECT s AS segment_id, 'plan' AS name, v AS value, {at} AS timestamp FROM (VALUES"
        " ('s1', 'old', 0), ('s2', 'gold', 3)) AS x(s, v, n)",
    }
    for name, select in rows.items():
        database.execute(f"COPY ({select}) TO '{folder / name}.{ending}'")
    return folder


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_the_tables_of_profiles_sync(ending: str, tmp_path: Path) -> None:
    first, second = read(tables(tmp_path, ending), FileForm.PROFILES_SYNC)
    profile, other = first.profile(), second.profile()
    assert [one.value for one in profile.identifiers] == ["a1", "u1", "ann@example.com"]
    assert dict(profile.traits) == {"plan": "gold"}
    assert (profile.create_time.ToJsonString(), profile.merges) == ("2024-05-01T12:00:00Z", 2)
    assert ([one.value for one in other.identifiers], other.merges) == (["u3"], 0)


def test_a_table_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    (tables(tmp_path, "csv") / "id_graph_updates.csv").unlink()
    with pytest.raises(ImportFileError, match="there is no file of the table id_graph_updates"):
        read(tmp_path, FileForm.PROFILES_SYNC)
    (tmp_path / "id_graph_updates.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ImportFileError, match=r"id_graph_updates\.csv: must have the columns segment_id"):
        read(tmp_path, FileForm.PROFILES_SYNC)


def test_traits_that_nobody_dated_are_a_fault(tmp_path: Path) -> None:
    lines = ['{"type": "identify", "userId": "u", "traits": {"plan": "gold"}}', '{"type": "identify", "userId": "u"}']
    first, second = Source(str(write(tmp_path, *lines)), FileForm.SEGMENT).records()
    assert first.told(first.findings[0]).startswith("line 1: has traits and no time")
    assert second.call is not None


def test_what_the_server_would_refuse_of_an_event_is_a_fault(tmp_path: Path) -> None:
    track = {"type": "track", "userId": "u", "event": "e"}
    events: list[dict[str, Any]] = [
        track | {"event": "e" * 257},
        track | {"messageId": "m" * 257},
        track | {"properties": {"a": "x" * 70_000}},
        track | {"userId": "u\0"},
        track | {"userId": None},
        track | {"context": {"externalIds": [{"type": "No Type", "id": "1"}]}},
        track | {"context": {"traits": {"email": " "}}},
        track,
    ]
    found = read(archive(tmp_path, *events), FileForm.SEGMENT)
    RecordJudge(policy_of_preset("unify"), 0.0).judge(found)
    assert [one.is_faulty for one in found] == [True] * 6 + [False] * 2
    assert [one.name for record in found[:3] for one in record.findings] == [
        "event.name",
        "event.message_id",
        "event.properties",
    ]
    assert [one.is_doubt for one in found[6].findings] == [True]
    assert found[7].identifiers == 1


async def test_the_server_refuses_no_other_events_than_the_check(address: str, tmp_path: Path) -> None:
    track = {"type": "track", "userId": "v", "event": "e"}
    path = archive(
        tmp_path, track | {"properties": {"a": "x" * 65_000}}, track | {"event": "e" * 256}, {"type": "alias"}
    )
    said = await run(path, address, "as-checked", "--format", "segment")
    assert "2 calls with 2 identifiers sent through the rules" in said.told
    assert "1 is an alias: left out" in said.told
