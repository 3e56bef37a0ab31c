"""The load clients as programs: ours for everything, ghz where a load asks for it."""

import asyncio
import json
import resource
import subprocess
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.harness.ghz import GhzRun, run_ghz
from benchmarks.harness.readings import Reading


class Shape(StrEnum):
    """How calls travel."""

    UNARY = "unary"
    BATCH = "batch"
    STREAM = "stream"


class Freshness(StrEnum):
    """What the calls ask for."""

    DEFAULT = ""
    STRONG = "strong"
    LOCAL = "local"


# Calls made ready where they are sent again: as many as the look-ups of the population draw from.
AGAIN_CALLS = 400_000


@dataclass(frozen=True)
class Load:
    """One way of driving a server; `by_ghz` is for unary calls only."""

    shape: Shape
    connections: int = 1
    callers: int = 1
    calls_in_message: int = 100
    window: int = 8
    freshness: Freshness = Freshness.DEFAULT
    by_ghz: bool = False


@dataclass(frozen=True)
class Sampling:
    """Which answers to keep, and where."""

    every: int
    file: Path


@dataclass(frozen=True)
class Clients:
    """The programs, and how long each drive takes."""

    load: Path
    ghz: Path | None
    warm_up_s: float
    seconds: float
    scratch: Path

    async def drive(
        self,
        address: str,
        calls: Path,
        skip: int,
        load: Load,
        *,
        sampling: Sampling | None = None,
        profile_ids: Path | None = None,
        seconds: float | None = None,
        ready_calls_max: int | None = None,
        again: bool = False,
    ) -> Reading:
        """Drive a server with calls of a file, from where the last drive stopped.

        Raises:
            RuntimeError: the client failed, or ghz is asked for and not there.
        """
        if load.by_ghz:
            if self.ghz is None:
                raise RuntimeError("there is no ghz")
            run = GhzRun(self.ghz, load.callers, load.connections, load.freshness.value, self.warm_up_s, self.seconds)
            return await asyncio.to_thread(run_ghz, run, address, calls, skip, self.scratch)
        options: dict[str, object] = {
            "address": address,
            "calls": calls,
            "skip": skip,
            "shape": load.shape.value,
            "connections": load.connections,
            "callers": load.callers,
            "calls-in-message": load.calls_in_message,
            "window": load.window,
            "warm-up-seconds": self.warm_up_s if seconds is None else 0,
            "seconds": self.seconds if seconds is None else seconds,
        }
        if load.freshness is not Freshness.DEFAULT:
            options["consistency"] = load.freshness.value
        if sampling is not None:
            options |= {"sample-every": sampling.every, "answers": sampling.file}
        if profile_ids is not None:
            options["profile-ids"] = profile_ids
        if ready_calls_max is not None:
            options["ready-calls-max"] = ready_calls_max
        flags = ["--again"] if again else []
        return Reading.of_report(await run_json([*self.command("drive", options), *flags]))

    def command(self, action: str, options: dict[str, object]) -> list[str]:
        """Write a command of our load client."""
        return [
            str(self.load),
            action,
            *(str(word) for name, value in options.items() for word in (f"--{name}", value)),
        ]


async def run_json(command: list[str]) -> dict[str, object]:
    """Run a program that prints one JSON object.

    Raises:
        RuntimeError: it failed; its last words are told.
    """
    told: dict[str, object] = json.loads(await asyncio.to_thread(_run, command))
    return told


async def run_json_list(command: list[str]) -> list[dict[str, object]]:
    """Run a program that prints one JSON list of objects; raises as `run_json` does."""
    told: list[dict[str, object]] = json.loads(await asyncio.to_thread(_run, command))
    return told


def children_cpu_s() -> float:
    """Tell the CPU seconds of all programs that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: list[str]) -> bytes:
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, check=False)
        if done.returncode != 0:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").splitlines()
            raise RuntimeError(f"{Path(command[0]).name} failed: {' / '.join(lines[-3:])}")
    return done.stdout
