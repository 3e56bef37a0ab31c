"""What the tests of imports share: profiles, files, and the command within this process."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typer.testing import CliRunner

from utterson.cli.app import app
from utterson.cli.failing import CommandError

FIELD: Final = Path(__file__).parent / "field"
CANARY: Final = "canary-7f3a"


@dataclass(frozen=True)
class Said:
    """How a command ended: what it printed, and its one sentence if it failed."""

    code: int
    told: str
    error: str


def profile(number: object, **fields: object) -> dict[str, object]:
    """Make the form of one profile."""
    identifiers = [
        {"type": "user_id", "value": f"u{number}"},
        {"type": "email", "value": f"e{number}@example.com"},
    ]
    return {"identifiers": identifiers, "create_time": "2024-05-01T12:00:00Z"} | fields


def line(number: object, **fields: object) -> str:
    """Write one profile."""
    return json.dumps(profile(number, **fields))


def write(folder: Path, *lines: str, name: str = "profiles.jsonl") -> Path:
    """Write a file of lines."""
    path = folder / name
    path.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    return path


def say(*words: str) -> Said:
    """Run `utterson import` in this process."""
    result = CliRunner().invoke(app, ["import", *words])
    error = result.exception
    if error is not None and not isinstance(error, CommandError | SystemExit):
        raise error
    return Said(result.exit_code, result.stdout, str(error) if isinstance(error, CommandError) else result.stderr)


async def run(path: Path | str, address: str, workspace: str, *options: str) -> Said:
    """Run `utterson import` against a server of this process."""
    words = [str(path), "--workspace", workspace, "--address", address, "--preset", "identity_graph_rules", *options]
    return await asyncio.to_thread(say, *words)


def rejects_of(path: Path) -> list[Mapping[str, object]]:
    """Read a file of rejects in JSON."""
    return [json.loads(one) for one in path.read_text(encoding="utf-8").splitlines()]
