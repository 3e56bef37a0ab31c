"""Plays the source documents as an ordinary client and tells each row as it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from utterson.cli.demo.panels import step_panel
from utterson.cli.scenarios.loader import load_scenarios
from utterson.cli.scenarios.records import Preset, Scenario
from utterson.cli.scenarios.report import DIFFERS, HOLDS
from utterson.cli.scenarios.running import ScenarioRun
from utterson.client import UttersonClient

_SEEDS: Final = Path(__file__).parent / "seeds"


@dataclass(frozen=True)
class Seed:
    """One source document: the file that holds its rows, and what its workspaces are called."""

    file_name: str
    workspace_prefix: str


ISOLATION: Final = Seed("profile_isolation_strategy.yaml", "demo-isolation")
GRAPH: Final = Seed("identity_graph_rules.yaml", "demo-graph")
SEEDS: Final = (ISOLATION, GRAPH)


@dataclass(frozen=True)
class Performance:
    """How one document went: where it was played, who took part, and which rows differ."""

    seed: Seed
    workspace: str
    profile_ids: dict[str, int]
    rows: int
    differing_rows: tuple[int, ...]

    @property
    def equal(self) -> bool:
        """Whether every row equals the document."""
        return not self.differing_rows


async def play(
    client: UttersonClient, console: Console, run_id: str, seeds: Sequence[Seed] = SEEDS
) -> list[Performance]:
    """Play documents, each in a workspace of its own.

    Args:
        client: whom to call.
        console: where to tell it.
        run_id: makes the workspaces' ids unique.
        seeds: which documents.

    Raises:
        CallRefused: a workspace cannot be made, or the server is away.
    """
    return [
        await perform(client, console, seed, load_seed(seed), f"{seed.workspace_prefix}-{run_id}") for seed in seeds
    ]


def load_seed(seed: Seed) -> Scenario:
    """Read the rows of a document."""
    [scenario] = load_scenarios(_SEEDS / seed.file_name)
    return scenario


async def perform(
    client: UttersonClient, console: Console, seed: Seed, scenario: Scenario, workspace: str
) -> Performance:
    """Play one document row by row (see play)."""
    run = ScenarioRun(client, workspace, scenario)
    await run.prepare()
    console.print()
    console.print(Rule(Text(f"«{scenario.title}»", style="bold")))
    preset = scenario.policy if isinstance(scenario.policy, Preset) else "its own policy"
    console.print(Text(f"preset {preset}, workspace {workspace}", style="dim"), justify="center")
    if scenario.given:
        told = f"{len(scenario.given)} profiles imported first, which bring the merges and values that the rows need"
        console.print(Text(told, style="dim"), justify="center")
    differing: list[int] = []
    async for result in run.steps():
        console.print(step_panel(result, run.symbols))
        if not result.holds:
            differing.append(result.number)
    performance = Performance(seed, workspace, run.symbols.bound(), len(scenario.steps), tuple(differing))
    console.print(_summary(scenario, performance))
    return performance


def _summary(scenario: Scenario, performance: Performance) -> Text:
    rows = performance.rows
    if performance.equal:
        return Text(f"{HOLDS} all {rows} rows of «{scenario.title}» equal the document", style="bold green")
    numbers = ", ".join(map(str, performance.differing_rows))
    return Text(
        f"{DIFFERS} {len(performance.differing_rows)} of {rows} rows of «{scenario.title}» DIFFER from the document: "
        f"row {numbers}",
        style="bold white on red",
    )
