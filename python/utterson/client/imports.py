"""The messages of an import: many profiles a message, because each message costs more than the profiles in it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from utterson.client.checks import kind_of, one_of
from utterson.client.requests import ImportedProfile
from utterson.client.values import FieldError, identifier_messages, struct_message, text, time_message, whole_number
from utterson.v1 import workspace_service_pb2 as pb

PROFILES_A_MESSAGE: Final = 100

NO_IMPORT_ID: Final = "must be at most 16 hexadecimal digits"
_IMPORT_ID: Final = re.compile(r"[0-9A-Fa-f]{0,16}")
_PLACE: Final = re.compile(r"^messages\[(\d+)\](?:\.profiles\[(\d+)\])?")


def profile_message(given: object, field: str) -> pb.ImportedProfile:
    """Make the message of one profile.

    Args:
        given: what is known of it, an ImportedProfile.
        field: names it, where one of its values cannot be sent.

    Raises:
        FieldError: a value cannot be sent.
    """
    profile = one_of(given, ImportedProfile, field, "an ImportedProfile")
    return pb.ImportedProfile(
        identifiers=identifier_messages(profile.identifiers, f"{field}.identifiers"),
        traits=None if profile.traits == {} else struct_message(profile.traits, f"{field}.traits"),
        create_time=time_message(profile.create_time, f"{field}.create_time"),
        merges=whole_number(profile.merges, f"{field}.merges", bits=31, least=0),
    )


def import_messages(workspace: str, profiles: Sequence[bytes], request_id: str) -> list[bytes]:
    """Make the encoded messages of an import.

    Args:
        workspace: the workspace's id.
        profiles: encoded `ImportedProfile`s, oldest first.
        request_id: makes the call repeatable.

    Raises:
        FieldError: one of them is of another kind.
    """
    kind_of(profiles, Sequence, "profiles", "a list of encoded ImportedProfiles")
    workspace, request_id = text(workspace, "workspace"), text(request_id, "request_id")
    rest = pb.ImportProfilesRequest(workspace=workspace).SerializeToString()
    first = pb.ImportProfilesRequest(workspace=workspace, request_id=request_id).SerializeToString()
    messages = []
    for begin in range(0, len(profiles), PROFILES_A_MESSAGE):
        # The fields of a message may stand in any order: the profiles are put behind the others as they are.
        parts = [rest if begin else first]
        for place, profile in enumerate(profiles[begin : begin + PROFILES_A_MESSAGE], begin):
            if type(profile) is not bytes:
                kind_of(profile, bytes, f"profiles[{place}]", "an encoded ImportedProfile")
            parts.append(_prefix(len(profile)))
            parts.append(profile)
        messages.append(b"".join(parts))
    return messages


def _prefix(length: int) -> bytes:
    """Write what stands before a profile in a message: the field's tag, and how long the profile is."""
    if length < 1 << 14:
        return _PREFIXES[length]
    digits = bytearray([_PROFILES_TAG])
    while length >= 0x80:
        digits.append(length & 0x7F | 0x80)
        length >>= 7
    digits.append(length)
    return bytes(digits)


def _short_prefix(length: int) -> bytes:
    return (
        bytes([_PROFILES_TAG, length]) if length < 0x80 else bytes([_PROFILES_TAG, length & 0x7F | 0x80, length >> 7])
    )


_PROFILES_TAG: Final = pb.ImportProfilesRequest.PROFILES_FIELD_NUMBER << 3 | 2
_PREFIXES: Final = [_short_prefix(length) for length in range(1 << 14)]


async def held_open(messages: Iterable[bytes], after: asyncio.Future[None] | None) -> AsyncIterator[bytes]:
    """Give the messages at once, and their end, which the server waits for, only after something else is done."""
    for message in messages:
        yield message
    if after is not None:
        await after


def import_metadata(import_id: str, profiles_expected: int) -> tuple[tuple[str, str], ...]:
    """Tell the server's log of which import a call is a part, and about how many profiles that has.

    Args:
        import_id: the same in all calls of one import; empty means that it is not told.
        profiles_expected: 0 means that nobody knows.

    Raises:
        FieldError: one of them is of another kind.
    """
    if not _IMPORT_ID.fullmatch(text(import_id, "import_id")):
        raise FieldError("import_id", NO_IMPORT_ID)
    whole_number(profiles_expected, "profiles_expected", least=0)
    told = (("x-import-id", import_id), ("x-import-profiles", str(profiles_expected or "")))
    return tuple((key, value) for key, value in told if value)


def place_of_profile(subject: str) -> str:
    """Name a field by the place of its profile among the caller's, instead of by the message that it went in.

    Args:
        subject: such as `messages[3].profiles[17].merges`; others stay as they are.
    """
    found = _PLACE.match(subject)
    if found is None or found[2] is None:
        return subject
    return f"profiles[{int(found[1]) * PROFILES_A_MESSAGE + int(found[2])}]{subject[found.end() :]}"
