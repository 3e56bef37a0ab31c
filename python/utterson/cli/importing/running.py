"""Takes everything over, call by call; the next piece is read and sent while the last one is taken over."""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Final

from utterson.cli.importing.forms import OnConflict
from utterson.cli.importing.judging import RecordJudge
from utterson.cli.importing.pieces import Piece, pieces
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.records import Finding, ImportFileError, Record
from utterson.cli.importing.rejects import RejectsFile
from utterson.cli.importing.sources import EVENT_FORMS, Source
from utterson.cli.importing.taking import CallTaker, Part, ProfileTaker
from utterson.cli.importing.telling import told_lines
from utterson.client import UttersonClient

# One is taken over while the next is on its way.
CALLS_UNDER_WAY: Final = 2


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import.

    Args:
        profiles_per_call: the most profiles of a call.
        skip_faults: leave out what is at fault, and take over the rest.
        on_conflict: what becomes of a profile one of whose identifiers another one holds.
    """

    profiles_per_call: int
    skip_faults: bool = False
    on_conflict: OnConflict = OnConflict.REFUSE


async def run_import(
    client: UttersonClient,
    workspace: str,
    source: Source,
    progress: ImportProgress,
    *,
    options: ImportOptions,
    judge: RecordJudge,
    rejects: RejectsFile,
    ids: IO[str] | None,
) -> None:
    """Take everything over, in its order. What was taken over before a fault stays.

    The same can be given again after a fault or a kill: pieces that are in already are known by their request ids.

    Args:
        client: whom to call.
        workspace: the workspace's id; it exists.
        source: what to read.
        progress: is told of every call.
        options: how to import.
        judge: says what the workspace's policy says.
        rejects: gets what is left out.
        ids: gets the id of each profile, one a line, in order; 0 for what is left out.

    Raises:
        ImportFileError: a line cannot be taken over.
        CallRefused: the server refuses for another reason.
    """
    taker_of = CallTaker if source.form in EVENT_FORMS else ProfileTaker
    taker = taker_of(client, workspace, progress, judge, rejects, ids, options.on_conflict, options.skip_faults)
    if not options.skip_faults:
        await asyncio.to_thread(source.require_whole)
    found = pieces(source.records(), lambda: source.bytes_read, options.profiles_per_call)
    remaining = _judged(found, judge if options.skip_faults else None)
    calls: deque[asyncio.Task[None]] = deque()
    try:
        stopped, is_first = await _take_all(remaining, calls, taker, progress, options)
    except BaseException:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        raise
    if stopped is not None:
        raise ImportFileError(told_lines(_faults(stopped.faulty), None if is_first else stopped.first))


async def _take_all(
    remaining: Iterator[Piece],
    calls: deque[asyncio.Task[None]],
    taker: ProfileTaker | CallTaker,
    progress: ImportProgress,
    options: ImportOptions,
) -> tuple[Piece | None, bool]:
    """Read on and take over, side by side; answer the piece at fault that ends it, and whether that is the first."""
    import_id = secrets.token_hex(4)
    profiles = 0
    is_first = True
    reading = _reading(remaining)
    try:
        # Waiting cancels no reader: the files are closed by it, and it must be through with them first.
        await asyncio.wait({reading})
        while not reading.exception() and (piece := reading.result()):
            if piece.faulty and not options.skip_faults:
                break
            if len(calls) == CALLS_UNDER_WAY:
                await calls.popleft()
            profiles += len(piece.records) + len(piece.faulty)
            expected = progress.profiles_expected(profiles, piece.bytes_read)
            part = Part(import_id, expected, calls[-1] if calls else None, is_first=is_first)
            calls.append(asyncio.create_task(taker.take_over(piece, part)))
            is_first = False
            reading = _reading(remaining)
            await asyncio.wait({reading})
        while calls:
            await calls.popleft()
    except BaseException:
        await asyncio.gather(reading, return_exceptions=True)
        raise
    # Where a line is at fault, what stands in the pieces before it was taken over first.
    return reading.result(), is_first


def _reading(remaining: Iterator[Piece]) -> asyncio.Task[Piece | None]:
    return asyncio.create_task(asyncio.to_thread(next, remaining, None))


def _judged(found: Iterator[Piece], judge: RecordJudge | None) -> Iterator[Piece]:
    """Move what the policy refuses to what is at fault; where nothing is left out the server says it soon enough."""
    for piece in found:
        if judge is not None and piece.records:
            judge.judge(piece.records)
            piece.faulty += [record for record in piece.records if record.is_faulty]
            piece.faulty.sort(key=lambda record: record.line)
            piece.records = [record for record in piece.records if not record.is_faulty]
        yield piece


def _faults(records: Sequence[Record]) -> list[tuple[Record, Finding]]:
    return [(record, finding) for record in records for finding in record.findings if not finding.is_doubt]
