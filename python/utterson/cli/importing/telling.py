"""What the person who gave the file is told of a refusal: its lines, not the places of profiles in calls."""

import re
from collections.abc import Sequence
from typing import Final

import grpc

from utterson.cli.importing.records import Finding, Record
from utterson.client import CallRefused
from utterson.v1 import error_reason_pb2

_PROFILE: Final = re.compile(r"^(?:messages\[\d+\]\.)?profiles\[(\d+)\]\.?")
# So many lines are told by name.
LINES_TOLD: Final = 20
HELD: Final = "another profile holds it already: see --on-conflict"


def several(count: int, one: str, many: str) -> str:
    """Tell how many of something: `one` for exactly one of it, else `many`."""
    return f"{count:,} {one if count == 1 else many}"


def faults_by_record(refusal: CallRefused, records: Sequence[Record]) -> list[tuple[Record, Finding]]:
    """Tell what a refusal says of each record; empty where it names none.

    Args:
        refusal: why the call was refused.
        records: those of the call.
    """
    held = refusal.reason == error_reason_pb2.ERROR_REASON_IDENTIFIERS_HELD_BY_OTHERS
    faults = []
    for violation in refusal.violations:
        found = _PROFILE.match(violation.subject)
        if found is not None and int(found[1]) < len(records):
            description = HELD if held else violation.description
            faults.append((records[int(found[1])], Finding(description, violation.subject[found.end() :])))
    return faults


def told_lines(faults: Sequence[tuple[Record, Finding]], taken_before: Record | None) -> str:
    """Tell what is wrong with some lines, and how much is taken over.

    Args:
        faults: the lines, and what is wrong with them.
        taken_before: the first line of what is not taken over; None where nothing was.
    """
    groups: dict[str, list[tuple[Record, Finding]]] = {}
    for record, finding in faults[:LINES_TOLD]:
        groups.setdefault(finding.description, []).append((record, finding))
    told = []
    for (record, finding), *others in groups.values():
        # In the order of the file, each once.
        also = ", ".join(dict.fromkeys(other.where() for other, _ in others if other is not record))
        told.append(record.told(finding) + (f" (also {also})" if also else ""))
    if len(faults) > LINES_TOLD:
        told.append(f"and {len(faults) - LINES_TOLD:,} more")
    before = "Nothing is taken over" if taken_before is None else f"What stands before {taken_before.where()} is taken"
    over = "" if taken_before is None else " over"
    # Of a file that was changed since, the lines of the same call are there already.
    is_held = any(finding.description == HELD for _, finding in faults)
    changed = "; if a line was changed since it was taken over, --on-conflict skip takes the rest" if is_held else ""
    mend = "correct it and give it again whole, or see --check and --skip-faults"
    return f"{'; '.join(told)}. {before}{over}: {mend}{changed}"


def told_refusal(refusal: CallRefused, address: str) -> str:
    """Tell a refusal that no line is to blame for.

    Args:
        refusal: why.
        address: the server's.
    """
    is_nobody = refusal.reason == error_reason_pb2.ERROR_REASON_UNSPECIFIED
    if refusal.code is grpc.StatusCode.UNAVAILABLE and is_nobody:
        return (
            f"no server can be reached at {address}: start one, or name another by --address; then give the file again"
            " whole"
        )
    return str(refusal)
