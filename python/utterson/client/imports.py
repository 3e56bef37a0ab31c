"""The messages of an import: many profiles a message, because each message costs more than the profiles in it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from utterson.client.requests import ImportedProfile
from utterson.client.values import identifier_messages, struct_message, text, time_message, whole_number
from utterson.v1 import workspace_service_pb2 as pb

PROFILES_A_MESSAGE: Final = 100

_PLACE: Final = re.compile(r"^messages\[(\d+)\](?:\.profiles\[(\d+)\])?")


def profile_message(profile: ImportedProfile, field: str) -> pb.ImportedProfile:
    """Make the message of one profile.

    Args:
        profile: what is known of it.
        field: names it, where one of its values cannot be sent.

    Raises:
        FieldError: a value cannot be sent.
    """
    return pb.ImportedProfile(
        identifiers=identifier_messages(profile.identifiers, f"{field}.identifiers"),
        traits=struct_message(profile.traits, f"{field}.traits") if profile.traits else None,
        create_time=time_message(profile.create_time, f"{field}.create_time"),
        merges=whole_number(profile.merges, f"{field}.merges", bits=31),
    )


def import_messages(
    workspace: str, profiles: Sequence[pb.ImportedProfile], request_id: str
) -> list[pb.ImportProfilesRequest]:
    """Make the messages of an import.

    Args:
        workspace: the workspace's id.
        profiles: oldest first.
        request_id: makes the call repeatable.
    """
    workspace = text(workspace, "workspace")
    messages = [
        pb.ImportProfilesRequest(workspace=workspace, profiles=profiles[begin : begin + PROFILES_A_MESSAGE])
        for begin in range(0, len(profiles), PROFILES_A_MESSAGE)
    ]
    if messages:
        messages[0].request_id = text(request_id, "request_id")
    return messages


async def held_open(
    messages: Iterable[pb.ImportProfilesRequest], after: asyncio.Future[None] | None
) -> AsyncIterator[pb.ImportProfilesRequest]:
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
    """
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
