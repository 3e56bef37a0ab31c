"""One attack on one server: the attackers are a process of their own."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.front_attacks.bystander import Bystander, percentile

_LOOK_S = 0.1


@dataclass(frozen=True)
class Figures:
    """What an attack did to those who only called."""

    attack: str
    calls: int
    failures: tuple[str, ...]
    p50_ms: float
    p99_ms: float
    newcomer_max_ms: float
    bytes_more_mb: float
    lost: tuple[str, ...]

    def __str__(self) -> str:
        """Write one line."""
        first = f" ({self.failures[0]})" if self.failures else ""
        return (
            f"{self.attack:24} {self.calls:6} calls, {len(self.failures)} failed{first}, p50 {self.p50_ms:.1f} ms, "
            f"p99 {self.p99_ms:.1f} ms, newcomers at most {self.newcomer_max_ms:.0f} ms, {self.bytes_more_mb:+.0f} MB, "
            f"{len(self.lost)} lost"
        )


async def attacked(attack: str | None, address: str, process_id: int, seconds: float) -> Figures:
    """Attack a server for a while, and call it at the same time.

    Args:
        attack: a name of `attacks.ATTACKS`; None is peace.
        address: where the server listens.
        process_id: the server's process, whose memory is watched.
        seconds: how long.
    """
    before = resident_bytes(process_id)
    most = [before]
    watching = asyncio.create_task(_watch(process_id, most))
    attackers = None
    if attack is not None:
        attackers = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.front_attacks.attackers", attack, address
        )
        await asyncio.sleep(1)
    bystander = Bystander(address, attack.replace("_", "-") if attack else f"peace-{len(most)}")
    try:
        await bystander.call_for(seconds)
        if attackers is not None:
            assert attackers.returncode is None, "the attackers have given up"
    finally:
        watching.cancel()
        if attackers is not None and attackers.returncode is None:
            attackers.kill()
            await attackers.wait()
    return Figures(
        attack=attack or "peace",
        calls=len(bystander.latencies_s),
        failures=tuple(bystander.failures),
        p50_ms=percentile(bystander.latencies_s, 0.5) * 1000,
        p99_ms=percentile(bystander.latencies_s, 0.99) * 1000,
        newcomer_max_ms=max(bystander.newcomers_s) * 1000,
        bytes_more_mb=(max(most) - before) / 1e6,
        lost=tuple(await bystander.lost()),
    )


async def _watch(process_id: int, most: list[int]) -> None:
    while True:
        most.append(resident_bytes(process_id))
        await asyncio.sleep(_LOOK_S)


def resident_bytes(process_id: int) -> int:
    """Tell how much memory a process has."""
    return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * 4096
