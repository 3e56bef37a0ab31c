"""What a run ran on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.harness.tools import ROOT


def describe(settings: dict[str, str], sync_write_us: float) -> dict[str, object]:
    """Tell date, build and machine in a few words each."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "CPU": _first(Path("/proc/cpuinfo"), "model name"),
        "cores": os.cpu_count(),
        "memory": f"{_memory_gib():.0f} GiB",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "grpcio": version("grpcio"),
        "asyncpg": version("asyncpg"),
        "Postgres": settings["server_version"],
        "shared_buffers": settings["shared_buffers"],
        "fsync": settings["fsync"],
        "synchronous_commit": settings["synchronous_commit"],
        "8 kB fdatasync": f"{sync_write_us:.0f} µs",
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return told or "unknown"


def _first(file: Path, name: str) -> str:
    for line in file.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _memory_gib() -> float:
    return int(_first(Path("/proc/meminfo"), "MemTotal").split()[0]) / 2**20
