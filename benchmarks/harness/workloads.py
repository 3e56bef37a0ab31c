"""The workloads of a run: generated once, by our load client, from a seed."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.clients import Clients, run_json

SEED = 20_250_101


@dataclass(frozen=True)
class Workload:
    """A generated workload; `label` tells it from others of the same name."""

    name: str
    label: str
    folder: Path
    presets: dict[str, str]
    identifiers: int
    profiles: int

    @property
    def has_changes(self) -> bool:
        """Whether some calls are Modify calls, which name profiles by their ids."""
        return self.name == "isolation-day"

    @property
    def writes(self) -> bool:
        """Whether its calls change anything."""
        return self.name != "hits"

    @property
    def calls(self) -> Path:
        """The calls."""
        return self.folder / "calls.bin"

    @property
    def population(self) -> Path:
        """What is loaded before the first call."""
        return self.folder / "population.bin"

    @property
    def profile_ids(self) -> Path:
        """The population's profile ids, once loaded."""
        return self.folder / "profile_ids.bin"

    @property
    def workspaces(self) -> list[str]:
        """The ids of the workspaces."""
        return sorted(self.presets)


async def generate(clients: Clients, folder: Path, name: str, population: int, calls: int, label: str = "") -> Workload:
    """Write a workload's files."""
    label = label or name
    place = folder / label
    await run_json(
        clients.command(
            "generate",
            {
                "workload": name,
                "seed": SEED,
                "calls": calls,
                "population": population,
                "workspace": "bench",
                "output": place,
            },
        )
    )
    told = json.loads((place / "workload.json").read_text(encoding="utf-8"))
    return Workload(name, label, place, told["presets"], told["population_identifiers"], told["population"])
