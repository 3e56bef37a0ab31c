"""Takes over one piece: as profiles in one call, or as calls of their own that go through the rules."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

from utterson.cli.importing.conflicts import (
    BATCH_TIMEOUT_S,
    CALLS_A_BATCH,
    UNDATED,
    Held,
    held_among,
    identify_of,
    is_undated,
    is_undecided,
)
from utterson.cli.importing.forms import OnConflict
from utterson.cli.importing.judging import RecordJudge
from utterson.cli.importing.pieces import Piece, identifier_count, request_id
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.records import Finding, ImportFileError, Record
from utterson.cli.importing.rejects import RejectsFile
from utterson.cli.importing.telling import HELD, faults_by_record, told_lines
from utterson.client import CallRefused, UttersonClient
from utterson.v1 import error_reason_pb2
from utterson.v1 import identity_service_pb2 as pb

# A large call waits for its commit, behind whatever else the workspace has to do.
CALL_TIMEOUT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Part:
    """What a piece is of its import.

    Args:
        import_id: the same in all calls of one import.
        profiles_expected: about how many profiles that has.
        before: the piece that must be through before this one may take effect.
        is_first: nothing was taken over before.
    """

    import_id: str
    profiles_expected: int
    before: asyncio.Task[None] | None
    is_first: bool


class _Taker:
    """What both ways of taking over share.

    Args:
        client: whom to call.
        workspace: the workspace's id.
        progress: is told of every call.
        judge: says what the workspace's policy says.
        rejects: gets what is left out.
        ids: gets the id of each record, in order; 0 for what is left out.
        on_conflict: what becomes of a profile one of whose identifiers another one holds.
        skip_faults: what is at fault is left out.
    """

    def __init__(
        self,
        client: UttersonClient,
        workspace: str,
        progress: ImportProgress,
        judge: RecordJudge,
        rejects: RejectsFile,
        ids: IO[str] | None,
        on_conflict: OnConflict,
        skip_faults: bool,  # noqa: FBT001 - one of many, each named by its caller's own options
    ) -> None:
        self._client = client
        self._workspace = workspace
        self._progress = progress
        self._judge = judge
        self._rejects = rejects
        self._ids = ids
        self._on_conflict = on_conflict
        self._skip_faults = skip_faults
        # Of one piece, until it is through: what is at fault and what others hold come in the order of the file.
        self._left: list[tuple[Record, Sequence[Finding]]] = []

    def _write_rejects(self) -> None:
        for record, findings in sorted(self._left, key=lambda one: one[0].line):
            self._rejects.add(record, findings)
        self._left.clear()

    def _leave_out(self, faults: Sequence[tuple[Record, Sequence[Finding]]]) -> None:
        self._left += faults
        self._progress.rejected += len(faults)

    def _tell_ids(self, piece: Piece, ids: dict[int, int]) -> None:
        if self._ids is not None:
            both = sorted([*piece.records, *piece.faulty], key=lambda record: record.line)
            self._ids.writelines(f"{ids.get(id(record), 0)}\n" for record in both)

    async def _resolve(self, calls: Sequence[tuple[Record, pb.Call]], part: Part) -> dict[int, int]:
        """Send calls through the rules, in order; answer the profile of each by its record."""
        ids: dict[int, int] = {}
        for begin in range(0, len(calls), CALLS_A_BATCH):
            some = calls[begin : begin + CALLS_A_BATCH]
            answers = await self._client.batch_resolve(
                self._workspace, [call for _, call in some], timeout_s=BATCH_TIMEOUT_S
            )
            faults = []
            for (record, _), answer in zip(some, answers, strict=True):
                if not isinstance(answer, CallRefused):
                    ids[id(record)] = answer.profile_id
                elif answer.reason == error_reason_pb2.ERROR_REASON_REQUEST_ID_REUSED:
                    # Vendors' libraries send an event again with another time of sending: it is in already.
                    self._progress.repeated += 1
                elif not answer.violations:
                    faults.append((record, [Finding(answer.message)]))
                else:
                    faults.append((record, [Finding(one.description, one.subject) for one in answer.violations]))
            if faults and not self._skip_faults:
                told = [(record, finding) for record, findings in faults for finding in findings]
                raise ImportFileError(told_lines(told, None if part.is_first else faults[0][0]))
            self._leave_out(faults)
        return ids


class CallTaker(_Taker):
    """Sends the events of vendors through the rules."""

    async def take_over(self, piece: Piece, part: Part) -> None:
        """Send a piece's calls after those before it; ImportFileError where a line is refused."""
        if part.before is not None:
            await part.before
        self._leave_out([(record, record.findings) for record in piece.faulty])
        calls = [(record, record.call) for record in piece.records if record.call is not None]
        self._progress.left_out += piece.left_out
        ids = await self._resolve(calls, part)
        self._write_rejects()
        self._tell_ids(piece, ids)
        identifiers = sum(
            len((call.identify if call.HasField("identify") else call.track).identifiers) for _, call in calls
        )
        self._progress.advance(len(ids), identifiers, piece.bytes_read)


class ProfileTaker(_Taker):
    """Takes profiles over as they stand, each call all or nothing."""

    async def take_over(self, piece: Piece, part: Part) -> None:
        """Take a piece over after those before it.

        Raises:
            ImportFileError: a line is at fault, or somebody holds an identifier of it, and that is not left out.
            CallRefused: the server refuses for another reason.
        """
        ids: dict[int, int] = {}
        if piece.records:
            try:
                await self._send(piece.records, part, ids, part.before)
            except CallRefused as refusal:
                if part.before is not None:
                    await part.before
                await self._settle(piece, refusal, part, ids)
        elif part.before is not None:
            await part.before
        self._leave_out([(record, record.findings) for record in piece.faulty])
        self._write_rejects()
        self._tell_ids(piece, ids)
        self._progress.advance(0, 0, piece.bytes_read)

    async def _send(
        self, records: Sequence[Record], part: Part, ids: dict[int, int], after: asyncio.Task[None] | None
    ) -> None:
        answer = await self._client.import_encoded(
            self._workspace,
            [record.encoded for record in records],
            request_id=request_id(records),
            import_id=part.import_id,
            profiles_expected=part.profiles_expected,
            after=after,
            timeout_s=CALL_TIMEOUT_S,
        )
        ids.update(zip(map(id, records), answer.profile_ids, strict=True))
        if answer.already_taken_over:
            self._progress.repeated += len(records)
        else:
            self._progress.advance(len(records), identifier_count(records), 0)

    async def _settle(self, piece: Piece, refusal: CallRefused, part: Part, ids: dict[int, int]) -> None:
        """Take out what a refusal names, until the rest is taken over; then send what others hold through the rules."""
        rest: Sequence[Record] = piece.records
        held: list[Held] = []
        while rest:
            faults = faults_by_record(refusal, rest)
            if not faults:
                raise refusal
            if faults[0][1].description == HELD:
                found = await self._held(piece, rest, faults, part)
                held += found
                out = {id(one.record) for one in found}
            else:
                if not self._skip_faults:
                    raise ImportFileError(told_lines(self._all_faults(piece, faults), _taken_before(piece, part)))
                self._leave_out([(record, [finding]) for record, finding in faults])
                out = {id(record) for record, _ in faults}
            rest = [record for record in rest if id(record) not in out]
            if not rest:
                break
            try:
                await self._send(rest, part, ids, None)
                break
            except CallRefused as again:
                refusal = again
        await self._deal_with(sorted(held, key=lambda one: one.record.line), part, ids)

    async def _held(
        self, piece: Piece, rest: Sequence[Record], faults: Sequence[tuple[Record, Finding]], part: Part
    ) -> list[Held]:
        found = await held_among(self._client, self._workspace, rest, self._judge)
        # Whoever was named is among them, even where it is free again by now.
        named = [Held(record, 0) for record, _ in faults if all(one.record is not record for one in found)]
        if self._on_conflict is OnConflict.REFUSE:
            listed = sorted([*found, *named], key=lambda one: one.record.line)
            told = [(one.record, Finding(HELD)) for one in listed]
            raise ImportFileError(told_lines([*faults, *told[1:]], _taken_before(piece, part)))
        undecided = [(one.record, UNDATED) for one in [*found, *named] if is_undecided(one)]
        if self._on_conflict is OnConflict.RESOLVE and undecided and not self._skip_faults:
            raise ImportFileError(told_lines(undecided, _taken_before(piece, part)))
        return [*found, *named]

    async def _deal_with(self, held: Sequence[Held], part: Part, ids: dict[int, int]) -> None:
        for one in held:
            ids[id(one.record)] = one.holder
        if self._on_conflict is OnConflict.RESOLVE:
            # Without a time the rules would take it for newer than all that was told since, each time it is given.
            self._leave_out([(one.record, [UNDATED]) for one in held if is_undecided(one)])
            sent = [one.record for one in held if not is_undecided(one) and not (one.holder and is_undated(one.record))]
            answered = await self._resolve([(record, identify_of(record)) for record in sent], part)
            ids.update(answered)
            self._progress.resolved += len(answered)
            self._progress.there_already += sum(bool(one.holder) and is_undated(one.record) for one in held)
            return
        for one in held:
            if one.holder:
                self._progress.there_already += 1
            else:
                self._progress.skipped += 1
                self._left.append((one.record, [Finding(HELD)]))

    def _all_faults(self, piece: Piece, named: Sequence[tuple[Record, Finding]]) -> list[tuple[Record, Finding]]:
        """Tell the faults of the whole piece, of which the server names the first ones only."""
        self._judge.judge(piece.records)
        found = [(record, finding) for record in piece.records for finding in record.findings if not finding.is_doubt]
        known = {id(record) for record, _ in found}
        return sorted([*found, *(one for one in named if id(one[0]) not in known)], key=lambda one: one[0].line)


def _taken_before(piece: Piece, part: Part) -> Record | None:
    return None if part.is_first else piece.first
