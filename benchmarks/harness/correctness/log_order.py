"""In which order our log took the calls: each carries a message id, and the events' table keeps it.

For that the Identify calls of a workload are sent as Track calls, which the rules treat alike (rules M2 to M7).
"""

from collections.abc import Iterator
from pathlib import Path

import asyncpg

from benchmarks.harness import frames
from benchmarks.harness.correctness import WrongAnswerError
from benchmarks.peers.naive_database import Identifier, Partition, partition
from utterson.v1.identity_service_pb2 import Event, IdentifyRequest, TrackRequest
from utterson.v1.profile_service_pb2 import StoredEvent

IDENTIFY, TRACK = 1, 4
PROFILES = """
SELECT p.serial, p.merged_into FROM profiles p JOIN workspaces w USING (workspace_key) WHERE w.workspace = $1
"""
IDENTIFIERS = """
SELECT i.profile, i.type, i.normalized_value FROM identifiers i JOIN workspaces w USING (workspace_key)
WHERE w.workspace = $1
"""
EVENTS = """
SELECT e.record FROM events e JOIN workspaces w USING (workspace_key) WHERE w.workspace = $1 ORDER BY e.seq, e.position
"""


def write_tracked(source: Path, target: Path, begin: int, count: int) -> int:
    """Write calls of a file anew, each with its place in the file as its message id."""

    def tracked() -> Iterator[tuple[int, bytes]]:
        for place, (kind, encoded) in enumerate(frames.calls(source, begin, count), start=begin):
            if kind != IDENTIFY:
                raise ValueError("only Identify calls can be sent as Track calls")
            request = IdentifyRequest.FromString(encoded)
            event = Event(name="bench", message_id=str(place))
            track = TrackRequest(workspace=request.workspace, identifiers=request.identifiers, event=event)
            yield TRACK, track.SerializeToString()

    return frames.write_calls(target, tracked())


async def read_order(database_url: str, workspace: str, expected: int) -> list[int]:
    """Read the places of the calls in the order in which they took effect.

    Raises:
        WrongAnswerError: a call is missing, or took effect twice.
    """
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(EVENTS, workspace)
    finally:
        await connection.close()
    order = [int(StoredEvent.FromString(row["record"]).message_id) for row in rows]
    if len(set(order)) != len(order) or len(order) != expected:
        raise WrongAnswerError(
            f"{expected} calls were answered, but {len(order)} events are stored, {len(set(order))} different ones"
        )
    return order


async def our_partition(database_url: str, workspace: str) -> Partition:
    """Read which identifiers belong together in our tables; merged profiles point to their survivors."""
    connection = await asyncpg.connect(database_url)
    try:
        survivors = {row["serial"]: row["merged_into"] for row in await connection.fetch(PROFILES, workspace)}
        rows = await connection.fetch(IDENTIFIERS, workspace)
    finally:
        await connection.close()

    def owned() -> Iterator[tuple[int, Identifier]]:
        for row in rows:
            profile = row["profile"]
            while survivors[profile]:
                profile = survivors[profile]
            yield profile, (workspace, row["type"], row["normalized_value"])

    return partition(owned())
