"""The programs that the harness runs: those of ours that are written in Rust by cargo, ghz where it is found."""

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOAD_PACKAGE = "utterson-load"
CORE_PACKAGE = "utterson-core-bench"
PEERS_PACKAGE = "utterson-rust-peers"
GHZ_MISSING = (
    "ghz was not found, so no cell shows how our client compares with it; install it with"
    " `go install github.com/bojand/ghz/cmd/ghz@latest`, or give --ghz PATH."
)


class ToolError(Exception):
    """A program is missing or cannot be built; the text says what to do."""


def build(package: str) -> Path:
    """Build a crate of the workspace and tell where its program lies.

    Raises:
        ToolError: cargo refuses; its last words are told.
    """
    command = ["cargo", "build", "--release", "--locked", "--package", package, "--message-format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolError(f"{package} does not build: {_last_line(done.stderr)}")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message.get("target", {}).get("kind") == ["bin"]:
            return Path(message["executable"])
    raise ToolError(f"{package} has no program")


def find_ghz(chosen: Path | None) -> Path | None:
    """Find ghz: the one chosen, on the search path, or where Go installs programs."""
    if chosen is not None:
        if not chosen.is_file():
            raise ToolError(f"there is no ghz at {chosen}")
        return chosen
    found = shutil.which("ghz")
    if found is not None:
        return Path(found)
    installed = Path(os.environ.get("GOBIN") or Path.home() / "go" / "bin") / "ghz"
    return installed if installed.is_file() else None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error")]
    return (errors or lines or ["no reason given"])[0]
