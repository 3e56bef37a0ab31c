"""Takes a file over, call by call; the next piece is read and sent while the last one is taken over."""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.reading import ImportFileError, Piece, opened, pieces
from utterson.cli.importing.telling import told_faults
from utterson.client import CallRefused, UttersonClient

# A large call waits for its commit, behind whatever else the workspace has to do.
CALL_TIMEOUT_S: Final = 600.0

# One is taken over while the next is on its way.
CALLS_UNDER_WAY: Final = 2


@dataclass(frozen=True, slots=True)
class _Part:
    """What a call tells of its import, and the call that must be through before it may take effect."""

    import_id: str
    profiles_expected: int
    before: asyncio.Task[None] | None


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

    async def take_over(piece: Piece, part: _Part) -> None:
        profile_ids = await _send(client, workspace, piece, part)
        if ids is not None:
            ids.writelines(f"{profile_id}\n" for profile_id in profile_ids)
        progress.advance(len(piece.profiles), piece.identifiers, piece.file_bytes)

    with opened(path) as (raw, source):
        remaining = pieces(raw, source, profiles_per_call)
        calls: deque[asyncio.Task[None]] = deque()
        profiles = 0
        reading = _reading(remaining)
        try:
            # Waiting cancels no reader: the file is closed below, and it must be through with it first.
            await asyncio.wait({reading})
            while not reading.exception() and (piece := reading.result()):
                if len(calls) == CALLS_UNDER_WAY:
                    await calls.popleft()
                profiles += len(piece.profiles)
                expected = progress.profiles_expected(profiles, piece.file_bytes)
                part = _Part(import_id, expected, calls[-1] if calls else None)
                calls.append(asyncio.create_task(take_over(piece, part)))
                reading = _reading(remaining)
                await asyncio.wait({reading})
            while calls:
                await calls.popleft()
            # Where a line is no profile, what stands before it is taken over first.
            reading.result()
        except BaseException:
            for call in calls:
                call.cancel()
            await asyncio.gather(reading, *calls, return_exceptions=True)
            raise


def _reading(remaining: Iterator[Piece]) -> asyncio.Task[Piece | None]:
    return asyncio.create_task(asyncio.to_thread(next, remaining, None))


async def _send(client: UttersonClient, workspace: str, piece: Piece, part: _Part) -> list[int]:
    try:
        return await client.import_profiles(
            workspace,
            piece.profiles,
            request_id=piece.request_id,
            import_id=part.import_id,
            profiles_expected=part.profiles_expected,
            after=part.before,
            timeout_s=CALL_TIMEOUT_S,
        )
    except CallRefused as refusal:
        if not refusal.violations:
            raise
        is_first = part.before is None
        raise ImportFileError(told_faults(refusal, piece.lines, is_first=is_first)) from None
