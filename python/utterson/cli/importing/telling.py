"""What the person who gave the file is told of a refusal: its lines, not the places of profiles in calls."""

import re
from collections.abc import Sequence
from typing import Final

import grpc

from utterson.client import CallRefused
from utterson.v1 import error_reason_pb2

_PROFILE: Final = re.compile(r"^(?:messages\[\d+\]\.)?profiles\[(\d+)\]")


def told_faults(refusal: CallRefused, lines: Sequence[int], *, is_first: bool) -> str:
    """Tell what is wrong with the lines of a call, and how much of the file is taken over.

    Args:
        refusal: why the call was refused; it names what stands in the way.
        lines: the file's line of each profile of the call.
        is_first: whether nothing was taken over before.
    """
    told = [f"{_in_file(violation.subject, lines)}: {violation.description}" for violation in refusal.violations]
    # The sentence says of the first field what the list says again, but by its place in the call.
    if refusal.violations[0].description not in refusal.message:
        told.insert(0, refusal.message)
    before = "Nothing is taken over" if is_first else f"The lines before {lines[0]} are taken over"
    return f"{'; '.join(told)}. {before}: correct the file and give it again whole"


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


def _in_file(subject: str, lines: Sequence[int]) -> str:
    """Name a field by the file's line instead of its place in the call."""
    found = _PROFILE.match(subject)
    if found is None or int(found[1]) >= len(lines):
        return subject
    rest = subject[found.end() :].lstrip(".")
    return f"line {lines[int(found[1])]}, {rest or 'the profile'}"
