"""The command line as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

COMMAND = [sys.executable, "-c", "from utterson.cli import main; main()"]


def environment() -> dict[str, str]:
    """Return the caller's environment without settings of ours, and without a width or colours of its own."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("UTTERSON_") and name not in {"COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE"}
    }


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_command(*arguments: str, timeout_s: float = 90) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=timeout_s, env=environment()
    )


def processes_of(data_dir: Path) -> list[int]:
    """Return the processes that name the folder on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if entry.name.isdigit() and str(data_dir).encode() in words:
            found.append(int(entry.name))
    return found


class ServingDemo:
    """`utterson demo`, read up to the line that says that it serves."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.errors = (data_dir.parent / f"{data_dir.name}.stderr").open("w+")
        self.process = subprocess.Popen(
            [*COMMAND, "demo", "--data-dir", str(data_dir), *arguments],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment(),
            text=True,
        )
        self.output = self._read_until("Ctrl-C stops it", timeout_s=90)

    def _read_until(self, end: str, timeout_s: float) -> str:
        assert self.process.stdout is not None
        lines: list[str] = []
        watchdog = threading.Timer(timeout_s, self.process.kill)
        watchdog.start()
        for line in self.process.stdout:
            lines.append(line)
            if end in line:
                break
        watchdog.cancel()
        return "".join(lines)

    def stop(self) -> int:
        """Send Ctrl-C and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def told_errors(self) -> str:
        """Return what came on standard error."""
        self.errors.seek(0)
        return self.errors.read()
