"""Lines whose identifiers somebody holds already: who they are, and what becomes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from utterson.cli.importing.judging import RecordJudge
from utterson.cli.importing.records import Finding, Record
from utterson.cli.importing.vendors.common import request_id
from utterson.client import CallRefused, UttersonClient
from utterson.v1 import error_reason_pb2, resolution_pb2
from utterson.v1 import identity_service_pb2 as pb

CALLS_A_BATCH: Final = 1000
BATCH_TIMEOUT_S: Final = 60.0
# Somebody holds it, who cannot be told apart from others.
_SOMEBODY: Final = -1
_NOBODY: Final = 0

UNDATED: Final = Finding(
    "is needed to resolve a line with traits: without it they would win over newer ones each time the file is given",
    "create_time",
)


@dataclass(frozen=True, slots=True)
class Held:
    """A line that cannot be taken over as a profile of its own.

    Args:
        record: the line.
        holder: the profile that holds all of its identifiers; 0 where there is no such one.
    """

    record: Record
    holder: int


async def held_among(
    client: UttersonClient, workspace: str, records: Sequence[Record], judge: RecordJudge
) -> list[Held]:
    """Find the lines that have an identifier that a profile holds, or that an earlier one of the lines has.

    Each identifier that only one profile may have is asked for by a dry run, so that nothing is changed.

    Args:
        client: whom to ask.
        workspace: the workspace's id.
        records: lines of one call, in order.
        judge: tells which identifiers may have one holder only.
    """
    exclusive = judge.exclusive(records)
    asked = [
        call
        for record, found in zip(records, exclusive, strict=True)
        for call in _asking(record, [place for place, _ in found])
    ]
    holders: list[int] = []
    for begin in range(0, len(asked), CALLS_A_BATCH):
        some = asked[begin : begin + CALLS_A_BATCH]
        answers = await client.batch_resolve(workspace, some, timeout_s=BATCH_TIMEOUT_S)
        holders += [_holder(answer) for answer in answers]
    told = iter(holders)
    seen: set[bytes] = set()
    held = []
    for record, found in zip(records, exclusive, strict=True):
        of_line = [next(told) for _ in found]
        digests = {digest for _, digest in found}
        is_second = not seen.isdisjoint(digests)
        seen |= digests
        if is_second or any(of_line):
            alone = set(of_line)
            holder = of_line[0] if len(alone) == 1 and not is_second and of_line[0] > 0 else 0
            held.append(Held(record, holder))
    return held


def identify_of(record: Record) -> pb.Call:
    """Make the call that sends a profile through the rules: its traits and its time, known again by its content."""
    profile = record.profile()
    request = pb.IdentifyRequest(identifiers=profile.identifiers, request_id=request_id(record.digested))
    if profile.HasField("traits"):
        request.traits.CopyFrom(profile.traits)
    if profile.HasField("create_time"):
        request.event_time.CopyFrom(profile.create_time)
    return pb.Call(identify=request)


def is_undated(record: Record) -> bool:
    """Tell whether a profile has no time of its own."""
    return not record.profile().HasField("create_time")


def is_undecided(held: Held) -> bool:
    """Tell whether a line cannot go through the rules: nothing says whether its traits are newer than what is there."""
    return not held.holder and is_undated(held.record) and bool(held.record.profile().traits.fields)


def _asking(record: Record, places: Iterable[int]) -> list[pb.Call]:
    identifiers = record.profile().identifiers
    return [
        pb.Call(identify=pb.IdentifyRequest(identifiers=[identifiers[place]], validate_only=True)) for place in places
    ]


def _holder(answer: resolution_pb2.Resolution | CallRefused) -> int:
    if isinstance(answer, CallRefused):
        held = answer.reason == error_reason_pb2.ERROR_REASON_IDENTIFIERS_HELD_BY_OTHERS
        return _SOMEBODY if held else _NOBODY
    return answer.profile_id if answer.outcome == resolution_pb2.OUTCOME_MATCHED else _NOBODY
