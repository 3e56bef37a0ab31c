"""`utterson import`: take over an existing graph."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from utterson.cli.failing import CommandError
from utterson.cli.importing.forms import FileForm, OnConflict
from utterson.cli.options import SERVER_ADDRESS, ServerAddress

PROFILES_PER_CALL: Final = 20_000
PROFILES_PER_CALL_MAX: Final = 100_000
# As a shell tells that a program was ended by Ctrl-C.
INTERRUPTED: Final = 130

_File = Annotated[
    str,
    typer.Argument(
        help="A file, a folder or a pattern such as 'export/*.parquet': NDJSON (a profile a line: identifiers, traits,"
        " create_time, merges), CSV or Parquet, oldest first; gzip and zstd are fine.",
        show_default=False,
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
_Ids = Annotated[
    Path | None,
    typer.Option(help="Write the id of each profile here, one a line, in order; 0 if left out.", show_default=False),
]
_Form = Annotated[FileForm, typer.Option("--format", help="What the files hold; auto looks.")]
_Column = Annotated[
    list[str] | None,
    typer.Option(
        help="Of a table: TYPE=COLUMN for an identifier (or NAME=COLUMN:TYPE), traits.NAME=COLUMN, create_time=COLUMN,"
        " merges=COLUMN; all other columns become traits unless traits are named.",
        show_default=False,
    ),
]
_Map = Annotated[
    Path | None,
    typer.Option("--map", help="The same as --column, in a file of YAML or JSON.", show_default=False),
]
_Check = Annotated[
    bool, typer.Option("--check", help="Read everything, tell every fault and every doubt, and send nothing.")
]
_Policy = Annotated[
    Path | None,
    typer.Option(help="With --check: the policy to judge by, instead of the workspace's.", show_default=False),
]
_Rejects = Annotated[
    Path | None,
    typer.Option(help="Write what is left out here, as it was given, with a reason.", show_default=False),
]
_Skip = Annotated[bool, typer.Option("--skip-faults", help="Leave out what is at fault, and take over the rest.")]
_Conflict = Annotated[
    OnConflict | None,
    typer.Option(
        help="A profile one of whose identifiers another one holds: refuse it, skip it, or send it through the rules"
        " as an Identify. [default: refuse; with --skip-faults: skip]",
        show_default=False,
    ),
]


def import_(
    file: _File,
    workspace: _Workspace = "",
    address: ServerAddress = SERVER_ADDRESS,
    preset: _Preset = None,
    profiles_per_call: _Size = PROFILES_PER_CALL,
    profile_ids: _Ids = None,
    form: _Form = FileForm.AUTO,
    column: _Column = None,
    column_map: _Map = None,
    *,
    check: _Check = False,
    policy: _Policy = None,
    rejects: _Rejects = None,
    skip_faults: _Skip = False,
    on_conflict: _Conflict = None,
) -> None:
    """Take over an existing graph from files, in calls; given again after a fault or a kill, it goes on."""
    # Late, so that the help and a missing file do not wait for gRPC.
    from utterson.cli.importing.asked import ImportAsked, run_check, run_whole  # noqa: PLC0415
    from utterson.cli.importing.records import ImportFileError  # noqa: PLC0415
    from utterson.cli.importing.telling import told_refusal  # noqa: PLC0415
    from utterson.client import CallRefused  # noqa: PLC0415

    asked = ImportAsked(
        file,
        workspace,
        address,
        preset,
        profiles_per_call,
        profile_ids,
        form,
        column or [],
        column_map,
        policy,
        rejects,
        skip_faults=skip_faults,
        on_conflict=on_conflict,
    )
    if not workspace and not (check and policy):
        raise CommandError("name the workspace by --workspace, or with --check a policy by --policy")
    if policy is not None and not check:
        raise CommandError("--policy judges what --check reads: a workspace has a policy of its own")
    try:
        asyncio.run(run_check(asked) if check else run_whole(asked))
    except CallRefused as refusal:
        raise CommandError(told_refusal(refusal, address)) from None
    except ImportFileError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        # A full disk names no file.
        where = f"{error.filename}: " if error.filename else ""
        raise CommandError(f"{where}{error.strerror or error}") from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
