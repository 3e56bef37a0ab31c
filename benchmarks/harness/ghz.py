"""ghz as the client of unary calls. Its data never wraps: it has as many entries as it may send."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from benchmarks.harness import frames
from benchmarks.harness.readings import Reading, measured
from utterson.v1 import identity_service_pb2
from utterson.v1.identity_service_pb2 import IdentifyRequest

# More than a Python server answers on any machine that we know.
CALLS_A_SECOND_MAX = 20_000
IDENTIFY = 1


@dataclass(frozen=True)
class GhzRun:
    """How ghz is run; `freshness` is the lower-case name of a consistency, or empty."""

    program: Path
    callers: int
    connections: int
    freshness: str
    warm_up_s: float
    seconds: float


def run_ghz(run: GhzRun, address: str, calls: Path, skip: int, scratch: Path) -> Reading:
    """Drive a server; warm-up calls are told apart by their time."""
    wanted = int((run.warm_up_s + run.seconds) * CALLS_A_SECOND_MAX)
    data, result, errors = scratch / "ghz.json", scratch / "ghz-result.json", scratch / "ghz-errors.txt"
    entries = _write_data(data, entries_of(calls, skip, wanted, run.freshness))
    command = [
        str(run.program), "--insecure", "--protoset", str(_protoset(scratch)),
        "--call", "utterson.v1.IdentityService/Identify", "--data-file", str(data),
        "--total", str(entries), "--max-duration", f"{run.warm_up_s + run.seconds}s", "--duration-stop", "wait",
        "--concurrency", str(run.callers), "--connections", str(min(run.connections, run.callers)),
        "--format", "json", "--output", str(result), address,
    ]  # fmt: skip
    with errors.open("wb") as stream:
        done = subprocess.run(command, stdout=stream, stderr=stream, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ghz failed: {errors.read_text(encoding='utf-8', errors='replace')[-300:]}")
    return read_result(json.loads(result.read_text(encoding="utf-8")), run, entries)


def entries_of(calls: Path, skip: int, entries: int, freshness: str) -> Iterator[str]:
    """Write calls as ghz wants them."""
    for kind, encoded in islice(frames.calls(calls, skip), entries):
        if kind != IDENTIFY:
            raise ValueError("ghz sends Identify calls only")
        request = IdentifyRequest.FromString(encoded)
        entry: dict[str, object] = {
            "workspace": request.workspace,
            "identifiers": [{"type": one.type, "value": one.value} for one in request.identifiers],
        }
        if freshness:
            entry["consistency"] = f"CONSISTENCY_{freshness.upper()}"
        yield json.dumps(entry)


def _write_data(file: Path, entries: Iterator[str]) -> int:
    count = 0
    with file.open("w", encoding="utf-8") as stream:
        stream.write("[")
        for entry in entries:
            stream.write(f",{entry}" if count else entry)
            count += 1
        stream.write("]")
    return count


@cache
def _protoset(scratch: Path) -> Path:
    """Write the API's descriptors with everything that they need."""
    files: dict[str, FileDescriptor] = {}

    def add(descriptor: FileDescriptor) -> None:
        for dependency in descriptor.dependencies:
            add(dependency)
        files.setdefault(descriptor.name, descriptor)

    add(identity_service_pb2.DESCRIPTOR)
    protoset = FileDescriptorSet()
    for descriptor in files.values():
        descriptor.CopyToProto(protoset.file.add())
    file = scratch / "utterson.protoset"
    file.write_bytes(protoset.SerializeToString())
    return file


def read_result(told: dict[str, Any], run: GhzRun, entries: int) -> Reading:
    """Take the calls that began after the warm-up and ended well."""
    details = told.get("details") or []
    # ghz tells when a call ended, and how long it took.
    ends = [datetime.fromisoformat(_microseconds(call["timestamp"])).timestamp() for call in details]
    begins = [end - call["latency"] / 1e9 for end, call in zip(ends, details, strict=True)]
    start = min(begins, default=0.0) + run.warm_up_s
    latencies_s, last_end = [], start
    refused: dict[str, int] = {}
    for begin, end, call in zip(begins, ends, details, strict=True):
        if begin < start:
            continue
        if call["status"] != "OK":
            refused[call["status"]] = refused.get(call["status"], 0) + 1
            continue
        latencies_s.append(end - begin)
        last_end = max(last_end, end)
    reading = measured(latencies_s, last_end - start, 1, len(details), 0.0)
    return Reading.of_report(
        reading.report() | {"refused": refused, "used": len(details), "ran_dry": len(details) >= entries}
    )


def _microseconds(timestamp: str) -> str:
    """Cut a timestamp's nanoseconds: Python reads six digits of a second."""
    head, dot, tail = timestamp.partition(".")
    if not dot:
        return timestamp
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)].ljust(6, '0')}{tail[digits:]}"
