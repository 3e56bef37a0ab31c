"""The list of commands, and how a command that fails ends."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from utterson.cli.demo.command import demo
from utterson.cli.failing import CommandError
from utterson.cli.importing.command import import_
from utterson.cli.installed import require_one_version
from utterson.cli.scenarios.command import scenarios
from utterson.cli.serve import serve
from utterson.domain.startup import StartupError

app = typer.Typer(
    name="utterson",
    help="An open identity-resolution service.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the form that typer asks for
    if wanted:
        typer.echo(f"utterson {version('utterson')}")
        raise typer.Exit


@app.callback()
def _options_of_all(
    *,
    version_wanted: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    del version_wanted


# One line a command, in the order in which they are shown.
app.command("serve")(serve)
app.command("demo")(demo)
app.command("import")(import_)
app.command("scenarios")(scenarios)


def main() -> None:
    """Run the command line. What a person can put right ends with one sentence and exit code 1."""
    try:
        require_one_version()
        app()
    except (StartupError, CommandError) as error:
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"utterson: {error}")
        sys.exit(1)
