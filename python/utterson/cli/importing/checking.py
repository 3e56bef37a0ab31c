"""`--check`: all of what would be imported, and everything that is wrong or doubtful in it; nothing is sent."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from rich.table import Table

from utterson.cli.importing.clashes import ClashFinder
from utterson.cli.importing.judging import RecordJudge
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.records import Finding, Profile, Record
from utterson.cli.importing.rejects import RejectsFile
from utterson.cli.importing.sources import Source
from utterson.cli.importing.telling import several

CLASH: Final = "has an identifier that an earlier line has: only one profile may have it (see --on-conflict)"
OUT_OF_ORDER: Final = "is older than a line before it: of two that are joined the first in the file survives"
NOT_RULED: Final = "is not held against a policy: name a workspace that exists, or give --policy"

_AT_ONCE: Final = 1000
_PLACES_TOLD: Final = 5


@dataclass(slots=True)
class Kind:
    """All findings of one description.

    Args:
        is_doubt: the lines can be taken over all the same.
        count: of how many lines.
        places: the first of them.
    """

    is_doubt: bool
    count: int = 0
    places: list[str] = field(default_factory=list)
    last: tuple[str, int] | None = None


class CheckReport:
    """What was found, by kind."""

    def __init__(self) -> None:
        self.lines = 0
        self.identifiers = 0
        self.faulty = 0
        self.kinds: dict[str, Kind] = {}

    def add(self, record: Record, findings: Sequence[Finding]) -> None:
        """Count what was found in one record."""
        for finding in findings:
            kind = self.kinds.setdefault(finding.description, Kind(finding.is_doubt))
            if kind.last == (record.file, record.line):
                continue
            kind.last = (record.file, record.line)
            kind.count += 1
            if kind.count <= _PLACES_TOLD:
                at = "" if finding.column is None else f":{finding.column}"
                place = f"{record.line}{at}"
                kind.places.append(f"{record.file}:{place}" if record.file else place)

    def table(self) -> Table:
        """Make the table: what it is, how many lines have it, and the first of them; faults before doubts."""
        table = Table("", "what", "lines", "the first (line:column)", box=None, pad_edge=False, expand=False)
        table.columns[1].overflow = "fold"
        table.columns[2].justify = "right"
        for what, kind in sorted(self.kinds.items(), key=lambda one: (one[1].is_doubt, -one[1].count, one[0])):
            more = ", …" if kind.count > len(kind.places) else ""
            told = ", ".join(kind.places) + more
            table.add_row("doubt" if kind.is_doubt else "fault", what, f"{kind.count:,}", told)
        return table

    def summary(self) -> str:
        """Tell the whole in a line."""
        doubtful = sum(kind.count for kind in self.kinds.values() if kind.is_doubt)
        lines = several(self.lines, "line", "lines")
        return (
            f"{lines} with {several(self.identifiers, 'identifier', 'identifiers')} read,"
            f" none sent: {self.faulty:,} at fault, {several(doubtful, 'doubt', 'doubts')}"
        )


class _Order:
    """Looks whether times only grow."""

    def __init__(self) -> None:
        self._latest = (-(2**62), 0)

    def finding(self, profile: Profile) -> Finding | None:
        """Tell that a profile is older than one before it."""
        if not profile.HasField("create_time"):
            return None
        time = (profile.create_time.seconds, profile.create_time.nanos)
        if time < self._latest:
            return Finding(OUT_OF_ORDER, "create_time", is_doubt=True)
        self._latest = time
        return None


def check(source: Source, judge: RecordJudge | None, rejects: RejectsFile, progress: ImportProgress) -> CheckReport:
    """Look through everything; reads the files twice where identifiers clash, or the rejects are asked for.

    Args:
        source: what to read.
        judge: says what the policy says; None where no policy is known.
        rejects: gets each line at fault or in doubt.
        progress: is told how far it is.
    """
    report = CheckReport()
    with ClashFinder() as finder:
        for some in _examined(source, judge, finder):
            for record in some:
                report.lines += 1
                report.identifiers += record.identifiers
                report.faulty += record.is_faulty
                report.add(record, record.findings)
            progress.advance(len(some), 0, source.bytes_read)
        later = sorted({place for place, _ in finder.clashes()})
    clash = Finding(CLASH, is_doubt=True)
    for record in _at(source, later):
        report.add(record, [clash])
    if rejects.is_asked and report.kinds:
        # Only now it is known what clashes, and the rejects are to come in the order of the files.
        clashing = iter(later)
        place = next(clashing, None)
        examined = (record for some in _examined(source.again(), judge, None) for record in some)
        for number, record in enumerate(examined):
            if number == place:
                record.findings.append(clash)
                place = next(clashing, None)
            if record.findings:
                rejects.add(record, record.findings)
    return report


def _examined(source: Source, judge: RecordJudge | None, finder: ClashFinder | None) -> Iterator[list[Record]]:
    """Read records with all that each of them has, some at once; what could clash goes to the finder."""
    order, number, records = _Order(), 0, source.records()
    while some := list(islice(records, _AT_ONCE)):
        good = [record for record in some if record.is_sent]
        digests = iter(judge.judge(good) if judge is not None else [[]] * len(good))
        for record in some:
            if record.is_sent:
                for digest in next(digests):
                    if finder is not None:
                        finder.add(digest, number)
                found = None if record.is_faulty else order.finding(record.profile())
                record.findings += [found] if found is not None else []
            number += 1
        yield some


def _at(source: Source, places: Sequence[int]) -> Iterator[Record]:
    """Read again what stands at some places, counted from 0."""
    wanted = iter(places)
    place = next(wanted, None)
    if place is None:
        return
    for number, record in enumerate(source.again().records()):
        if place is None:
            return
        if number == place:
            yield record
            place = next(wanted, None)


async def check_in_thread(
    source: Source, judge: RecordJudge | None, rejects: RejectsFile, progress: ImportProgress
) -> CheckReport:
    """Look through everything while progress is told."""
    async with progress.told_regularly():
        return await asyncio.to_thread(check, source, judge, rejects, progress)
