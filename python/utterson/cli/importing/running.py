"""Takes a file over, call by call; the next piece is read while the last one is on its way."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.reading import ImportFileError, Piece, opened, pieces
from utterson.client import CallRefused, UttersonClient

# A large call waits for its commit, behind whatever else the workspace has to do.
CALL_TIMEOUT_S: Final = 600.0

_PROFILE: Final = re.compile(r"^profiles\[(\d+)\]")


async def run_import(
    client: UttersonClient,
    workspace: str,
    path: Path,
    progress: ImportProgress,
    *,
    profiles_per_call: int,
    ids: TextIO | None,
) -> None:
    """Take a file over, oldest line first. What was taken over before a fault stays.

    The same file can be given again after a fault: pieces that are in already are known by their request ids.

    Args:
        client: whom to call.
        workspace: the workspace's id; it exists.
        path: one profile a line.
        progress: is told of every call.
        profiles_per_call: the most profiles of a call.
        ids: gets the id of each profile, one a line, in the file's order.

    Raises:
        ImportFileError: a line is no profile, or the server refuses it.
        CallRefused: the server refuses for another reason.
    """
    import_id = secrets.token_hex(4)
    with opened(path) as (raw, source):
        remaining = pieces(raw, source, profiles_per_call)
        piece = await asyncio.to_thread(_next, remaining)
        while piece is not None:
            reading = asyncio.create_task(asyncio.to_thread(_next, remaining))
            try:
                expected = progress.profiles_expected(len(piece.profiles), piece.file_bytes)
                profile_ids = await _send(client, workspace, piece, import_id, expected)
            except BaseException:
                # The file is closed below; the reader must be through with it first.
                await asyncio.wait({reading})
                if not reading.cancelled():
                    reading.exception()
                raise
            if ids is not None:
                ids.writelines(f"{profile_id}\n" for profile_id in profile_ids)
            progress.advance(len(piece.profiles), piece.identifiers, piece.file_bytes)
            piece = await reading


def _next(remaining: Iterator[Piece]) -> Piece | None:
    return next(remaining, None)


async def _send(
    client: UttersonClient, workspace: str, piece: Piece, import_id: str, profiles_expected: int
) -> list[int]:
    try:
        return await client.import_profiles(
            workspace,
            piece.profiles,
            request_id=piece.request_id,
            import_id=import_id,
            profiles_expected=profiles_expected,
            timeout_s=CALL_TIMEOUT_S,
        )
    except CallRefused as refusal:
        faults = [_in_file(violation.subject, piece) + violation.description for violation in refusal.violations]
        if not faults:
            raise
        raise ImportFileError(
            f"{refusal.message}; {'; '.join(faults)}. The lines before {piece.lines[0]} are taken over: "
            "correct the file and give it again whole"
        ) from None


def _in_file(subject: str, piece: Piece) -> str:
    """Name a field by the file's line instead of its place in the call."""
    found = _PROFILE.match(subject)
    if found is None or int(found[1]) >= len(piece.lines):
        return f"{subject}: "
    rest = subject[found.end() :].lstrip(".")
    return f"line {piece.lines[int(found[1])]}, {rest or 'the profile'}: "
