"""Servers as processes of their own, and the CPU time that process trees have used."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import grpc

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
# Ours, of the environment that runs the benchmarks.
PROGRAM = Path(sys.executable).with_name("utterson")


def free_address() -> str:
    """Find an address of this machine that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Server:
    """A server process; its output goes to a file that is told when it fails."""

    def __init__(self, command: list[str], address: str, log_file: Path) -> None:
        self.address = address
        self._log_file = log_file
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.process_id = self._process.pid

    async def up(self) -> "Server":
        """Wait until it takes connections.

        Raises:
            RuntimeError: it ended, or took too long; the end of its log is told.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        async with grpc.aio.insecure_channel(self.address) as channel:
            ready = asyncio.ensure_future(channel.channel_ready())
            while not ready.done():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    ready.cancel()
                    raise RuntimeError(f"the server at {self.address} did not start: {self._last_words()}")
                await asyncio.wait({ready}, timeout=0.1)
        return self

    def pause(self) -> None:
        """Halt it where it stands, so that it takes no CPU time."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Let it end in order, or end it."""
        if self._process.poll() is None:
            self.resume()
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self._process.wait, STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def _last_words(self) -> str:
        return " / ".join(self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


def python_module(name: str, *arguments: str) -> list[str]:
    """Write the command that runs a module of ours."""
    return [sys.executable, "-m", name, *arguments]


def spinning(program: str, *arguments: str) -> list[str]:
    """Write the command that runs a program of Python beside a thread that never rests."""
    return python_module("benchmarks.peers.spinning", program, *arguments)


def utterson_serve(address: str, database_url: str, *options: str, program: Path = PROGRAM) -> list[str]:
    """Write the command that runs our server."""
    return [
        str(program),
        "serve",
        "--listen",
        address,
        "--database-url",
        database_url,
        "--log-level",
        "warning",
        *options,
    ]


@dataclass(frozen=True)
class MachineCpu:
    """CPU seconds of the whole machine: spent, and passed in all."""

    busy_s: float
    total_s: float


def machine_cpu() -> MachineCpu:
    """Read the machine's counters; waiting for disks counts as idle."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    user, nice, system, idle, waiting, interrupts, soft_interrupts, steal = (int(field) for field in fields)
    busy = user + nice + system + interrupts + soft_interrupts
    return MachineCpu(busy / _TICKS_A_SECOND, (busy + idle + waiting + steal) / _TICKS_A_SECOND)


def parent_of(process_id: int) -> int:
    """Tell the parent of a process."""
    return _stat(process_id)[0]


def tree_cpu_s(process_id: int) -> float:
    """Tell the CPU seconds of a process and all below it, those that have ended included."""
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent, spent_s = _stat(int(entry.name))
            except OSError:
                continue  # it ended meanwhile
            children.setdefault(parent, []).append(int(entry.name))
            spent[int(entry.name)] = spent_s
    waiting, total_s = [process_id], 0.0
    while waiting:
        one = waiting.pop()
        total_s += spent.get(one, 0.0)
        waiting += children.get(one, [])
    return total_s


def _stat(process_id: int) -> tuple[int, float]:
    """Tell the parent and the CPU seconds, of children waited for too. The name may hold spaces and brackets."""
    text = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), sum(int(field) for field in fields[11:15]) / _TICKS_A_SECOND
