"""`utterson scenarios`: run a file of scenarios against a server."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from utterson.cli.console import standard_console
from utterson.cli.failing import CommandError
from utterson.cli.options import SERVER_ADDRESS, ServerAddress
from utterson.cli.scenarios.loader import load_scenarios
from utterson.cli.scenarios.records import ScenarioFileError
from utterson.cli.scenarios.report import print_verdicts

_File = Annotated[Path, typer.Argument(help="YAML file in the scenario format.", show_default=False)]


def scenarios(file: _File, address: ServerAddress = SERVER_ADDRESS) -> None:
    """Run a file of scenarios against a running server; the exit code is 1 if one does not hold."""
    try:
        loaded = load_scenarios(file)
        # Late, so that the help and a broken file do not wait for gRPC.
        from utterson.cli.scenarios.judging import judge_all  # noqa: PLC0415

        verdicts = asyncio.run(judge_all(loaded, address))
    except ScenarioFileError as error:
        raise CommandError(str(error)) from None
    print_verdicts(standard_console(), verdicts)
    if not all(verdict.holds for verdict in verdicts):
        raise typer.Exit(1)
