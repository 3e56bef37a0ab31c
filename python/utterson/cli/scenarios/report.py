"""The table of a file's scenarios: what holds, and where the others first differ."""

from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from utterson.cli.scenarios.records import Scenario

HOLDS = "✓"
DIFFERS = "✗"


@dataclass(frozen=True)
class ScenarioVerdict:
    """How a scenario ended; `first_difference` is empty where all of it holds."""

    scenario: Scenario
    first_difference: str

    @property
    def holds(self) -> bool:
        """Whether every step holds."""
        return not self.first_difference


def print_verdicts(console: Console, verdicts: list[ScenarioVerdict]) -> None:
    """Print the table and a line of totals."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    table.add_column("")
    table.add_column("Scenario", no_wrap=True, overflow="ellipsis", max_width=45)
    table.add_column("Steps", justify="right")
    table.add_column("What it shows, or the first difference", ratio=1, overflow="fold")
    for verdict in verdicts:
        style = "green" if verdict.holds else "bold red"
        told = Text(verdict.first_difference or verdict.scenario.title, style="" if verdict.holds else "red")
        mark = Text(HOLDS if verdict.holds else DIFFERS, style=style)
        table.add_row(mark, Text(verdict.scenario.id), str(len(verdict.scenario.steps)), told)
    console.print(table)
    held = sum(verdict.holds for verdict in verdicts)
    style = "bold green" if held == len(verdicts) else "bold red"
    console.print(Text(f"{held} of {len(verdicts)} scenarios hold", style=style))
