"""`utterson import`: take over an existing graph."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from utterson.cli.console import standard_console
from utterson.cli.failing import CommandError
from utterson.cli.importing.progress import ImportProgress
from utterson.cli.importing.reading import ImportFileError
from utterson.cli.options import SERVER_ADDRESS, ServerAddress

PROFILES_PER_CALL: Final = 20_000
PROFILES_PER_CALL_MAX: Final = 100_000
# Some four seconds of trying, for a server that is started anew; a call of an import may take far longer than that.
ATTEMPTS_MAX: Final = 8

_File = Annotated[
    Path,
    typer.Argument(
        help="One profile a line, oldest first, as JSON: identifiers, traits, create_time, merges. Gzip is fine.",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
_Workspace = Annotated[str, typer.Option(help="The workspace's id.", show_default=False)]
_Preset = Annotated[
    str | None, typer.Option(help="Make the workspace with this preset if it does not exist.", show_default=False)
]
_Size = Annotated[
    int,
    typer.Option(help="The most profiles of a call; each call is all or nothing.", min=1, max=PROFILES_PER_CALL_MAX),
]
_Ids = Annotated[Path | None, typer.Option(help="Write the id of each profile here, one a line, in the file's order.")]


def import_(
    file: _File,
    workspace: _Workspace,
    address: ServerAddress = SERVER_ADDRESS,
    preset: _Preset = None,
    profiles_per_call: _Size = PROFILES_PER_CALL,
    profile_ids: _Ids = None,
) -> None:
    """Take over an existing graph from a file, in calls; given again after a fault, it goes on where it stopped."""
    # Late, so that the help and a missing file do not wait for gRPC.
    from utterson.cli.importing.running import run_import  # noqa: PLC0415
    from utterson.cli.importing.telling import told_refusal  # noqa: PLC0415
    from utterson.client import CallRefused, RetryLimits, UttersonClient  # noqa: PLC0415
    from utterson.v1 import error_reason_pb2  # noqa: PLC0415

    console = standard_console()

    async def run() -> ImportProgress:
        async with UttersonClient(address, retries=RetryLimits(attempts_max=ATTEMPTS_MAX)) as client:
            if preset is not None:
                try:
                    await client.create_workspace(workspace, preset=preset)
                except CallRefused as refusal:
                    if refusal.reason != error_reason_pb2.ERROR_REASON_WORKSPACE_EXISTS:
                        raise
            with ExitStack() as stack:
                progress = stack.enter_context(ImportProgress(console, file.stat().st_size, time.monotonic))
                ids = None if profile_ids is None else stack.enter_context(profile_ids.open("w", encoding="ascii"))
                await run_import(client, workspace, file, progress, profiles_per_call=profiles_per_call, ids=ids)
            return progress

    try:
        progress = asyncio.run(run())
    except CallRefused as refusal:
        raise CommandError(told_refusal(refusal, address)) from None
    except ImportFileError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    console.print(progress.summary())
