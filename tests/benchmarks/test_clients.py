"""The files between harness and clients are read as they are written."""

import json
from pathlib import Path
from struct import pack

import pytest
from benchmarks.harness import frames
from benchmarks.harness.ghz import GhzRun, entries_of, read_result
from benchmarks.harness.processes import machine_cpu, parent_of, tree_cpu_s

from utterson.v1.identity_service_pb2 import IdentifyRequest

RUN = GhzRun(Path("ghz"), callers=2, connections=1, freshness="local", warm_up_s=1.0, seconds=3.0)


def test_calls_are_read_from_where_the_last_drive_stopped(tmp_path: Path) -> None:
    file = tmp_path / "calls.bin"
    assert frames.write_calls(file, iter([(1, b"a"), (4, b"bb"), (1, b"")])) == 3
    assert list(frames.calls(file)) == [(1, b"a"), (4, b"bb"), (1, b"")]
    assert list(frames.calls(file, 1, 1)) == [(4, b"bb")]


def test_answers_are_read(tmp_path: Path) -> None:
    file = tmp_path / "answers.bin"
    file.write_bytes(pack("<II", 7, 2) + b"ab\x01" + pack("<II", 9, 0) + b"\x00")
    assert list(frames.answers(file)) == [(7, True, b"ab"), (9, False, b"")]


def test_ghz_gets_as_many_entries_as_it_may_send(tmp_path: Path) -> None:
    file = tmp_path / "calls.bin"
    request = IdentifyRequest(workspace="w")
    request.identifiers.add(type="email", value='quote " and {{template}}')
    frames.write_calls(file, iter([(1, request.SerializeToString())] * 3))
    entries = [json.loads(entry) for entry in entries_of(file, 1, 10, "local")]
    assert len(entries) == 2
    assert entries[0]["consistency"] == "CONSISTENCY_LOCAL"
    frames.write_calls(file, iter([(4, b"")]))
    with pytest.raises(ValueError, match="Identify"):
        list(entries_of(file, 0, 10, ""))


def test_ghz_warm_up_and_failures_are_told_apart() -> None:
    def call(ended_s: float, status: str = "OK") -> dict[str, object]:
        stamp = f"2026-01-01T00:00:{ended_s:012.9f}+01:00"
        return {"timestamp": stamp, "latency": 500_000_000, "status": status}

    told = {"details": [call(1.0), call(1.9), call(2.5), call(3.5), call(4.0, "Unavailable")]}
    reading = read_result(told, RUN, 5)
    assert (reading.calls, reading.used, reading.ran_dry) == (2, 5, True)
    assert reading.refused == {"Unavailable": 1}
    assert reading.calls_a_second == pytest.approx(2 / 2.0)
    assert reading.latency_ms["p50"] == pytest.approx(500)


def test_cpu_time_is_counted() -> None:
    before, ours = machine_cpu(), tree_cpu_s(parent_of(parent_of_self()))
    assert sum(number * number for number in range(2_000_000))
    after = machine_cpu()
    assert after.busy_s > before.busy_s
    assert after.total_s >= after.busy_s
    assert tree_cpu_s(parent_of(parent_of_self())) > ours


def parent_of_self() -> int:
    return int(Path("/proc/self/stat").read_text().split()[0])
