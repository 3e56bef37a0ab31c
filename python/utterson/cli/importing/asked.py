"""What a caller of the command asks for, put together and done."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from utterson.cli.console import standard_console
from utterson.cli.importing.checking import NOT_RULED, check_in_thread
from utterson.cli.importing.columns import column_map
from utterson.cli.importing.forms import FileForm, OnConflict
from utterson.cli.importing.judging import RecordJudge, policy_of_file, policy_of_preset, policy_of_workspace
from utterson.cli.importing.outputs import OutputFile, require_apart
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.records import ImportFileError
from utterson.cli.importing.rejects import RejectsFile
from utterson.cli.importing.running import ImportOptions, run_import
from utterson.cli.importing.sources import EVENT_FORMS, Source
from utterson.cli.importing.telling import several
from utterson.client import CallRefused, RetryLimits, UttersonClient
from utterson.v1 import error_reason_pb2, policy_pb2

# Some four seconds of trying, for a server that is started anew; a call of an import may take far longer than that.
ATTEMPTS_MAX: Final = 8
# So many files that are not read are told by name.
SKIPPED_TOLD: Final = 20
_WORKSPACE_EXISTS: Final = error_reason_pb2.ERROR_REASON_WORKSPACE_EXISTS
_WORKSPACE_NOT_FOUND: Final = error_reason_pb2.ERROR_REASON_WORKSPACE_NOT_FOUND


@dataclass(frozen=True, slots=True)
class ImportAsked:
    """The command's arguments and options, as its help tells them."""

    given: str
    workspace: str
    address: str
    preset: str | None
    profiles_per_call: int
    profile_ids: Path | None
    form: FileForm
    columns: Sequence[str]
    column_map: Path | None
    policy: Path | None
    rejects: Path | None
    skip_faults: bool
    on_conflict: OnConflict | None

    def client(self) -> UttersonClient:
        """Make the client of the server that was named."""
        return UttersonClient(self.address, retries=RetryLimits(attempts_max=ATTEMPTS_MAX))

    def source(self) -> Source:
        """Find what to read; ImportFileError where there is nothing, or where it would be written over."""
        source = Source(self.given, self.form, column_map(self.column_map, self.columns))
        others = [path for path in (self.column_map, self.policy) if path is not None]
        require_apart([self.rejects, self.profile_ids], [*source.paths, *others])
        return source

    def options(self) -> ImportOptions:
        """Tell how to import."""
        by_default = OnConflict.SKIP if self.skip_faults else OnConflict.REFUSE
        return ImportOptions(self.profiles_per_call, self.skip_faults, self.on_conflict or by_default)


async def run_whole(asked: ImportAsked) -> None:
    """Take everything over, and tell what came of it.

    Raises:
        ImportFileError: what was given cannot be imported.
        CallRefused: the server refuses.
        OSError: a file cannot be written.
    """
    source = asked.source()
    console = standard_console()
    _tell_skipped(source, console)
    async with asked.client() as client:
        judge = RecordJudge(await _policy_in_force(asked, client), time.time())
        things = "calls" if source.form in EVENT_FORMS else "profiles"
        with ExitStack() as stack:
            progress = stack.enter_context(ImportProgress(console, source.bytes_total, time.monotonic, things))
            rejects = stack.enter_context(RejectsFile(asked.rejects, source.parquet()))
            ids = None
            if asked.profile_ids is not None:
                ids = stack.enter_context(OutputFile(asked.profile_ids)).text
            try:
                async with progress.told_regularly():
                    await run_import(
                        client,
                        asked.workspace,
                        source,
                        progress,
                        options=asked.options(),
                        judge=judge,
                        rejects=rejects,
                        ids=ids,
                    )
            except asyncio.CancelledError:
                console.print(progress.stopped())
                raise
    console.print(progress.summary())


async def run_check(asked: ImportAsked) -> None:
    """Look through everything without sending it, and tell what was found.

    Raises:
        ImportFileError: lines are at fault, or nothing can be read.
        CallRefused: the server refuses to tell the policy.
        OSError: a file cannot be written.
    """
    source = asked.source()
    console = standard_console()
    _tell_skipped(source, console)
    policy = await _policy(asked)
    judge = None if policy is None else RecordJudge(policy, time.time())
    with ExitStack() as stack:
        progress = stack.enter_context(ImportProgress(console, source.bytes_total, time.monotonic, "lines"))
        rejects = stack.enter_context(RejectsFile(asked.rejects, source.parquet()))
        report = await check_in_thread(source, judge, rejects, progress)
    if report.kinds:
        console.print(report.table())
    console.print(report.summary())
    if judge is None:
        console.print(f"the file {NOT_RULED}")
    if report.faulty:
        told = (
            "line is at fault: mend it, or leave it out by --skip-faults",
            "lines are at fault: mend them, or leave them out by --skip-faults",
        )
        raise ImportFileError(several(report.faulty, *told))


def _tell_skipped(source: Source, console: Console) -> None:
    for told in source.skipped[:SKIPPED_TOLD]:
        console.print(f"not read: {told}", markup=False, highlight=False, soft_wrap=True)
    more = len(source.skipped) - SKIPPED_TOLD
    if more > 0:
        console.print(f"not read: {more:,} more")


async def _policy_in_force(asked: ImportAsked, client: UttersonClient) -> policy_pb2.Policy:
    """Ask for the workspace's policy, and make the workspace where there is none and a preset is given."""
    try:
        # First, because it can be asked again and again until a server that is started anew is there.
        return await policy_of_workspace(client, asked.workspace)
    except CallRefused as refusal:
        if asked.preset is None or refusal.reason != _WORKSPACE_NOT_FOUND:
            raise
    try:
        await client.create_workspace(asked.workspace, preset=asked.preset)
    except CallRefused as refusal:
        if refusal.reason != _WORKSPACE_EXISTS:
            raise
    return await policy_of_workspace(client, asked.workspace)


async def _policy(asked: ImportAsked) -> policy_pb2.Policy | None:
    if asked.policy is not None:
        return policy_of_file(asked.policy)
    async with asked.client() as client:
        try:
            return await policy_of_workspace(client, asked.workspace)
        except CallRefused as refusal:
            if refusal.reason != _WORKSPACE_NOT_FOUND:
                raise
    return None if asked.preset is None else policy_of_preset(asked.preset)
