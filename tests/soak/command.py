"""The command: finds out how much a server can take, calls it at a share of that, and judges whether it stays flat.

    uv run --group bench python -m tests.soak --minutes 60 --share 0.7

The capacity is that of server, Postgres and these callers on this machine. Not seen from outside, and so not counted:
the tasks of the server's loop. Each holds a call, and calls that stay would show in its memory.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import fresh_database
from tests.crashes.server_process import ServerProcess
from tests.soak import plots, samples
from tests.soak.judging import FAILED_SHARE_MAX, failed_share, judge
from tests.soak.load import Load
from tests.soak.pace import Pace
from tests.soak.people import TYPES, People
from tests.soak.samples import MB, Sample
from tests.soak.sampling import Sampler
from utterson.client import UttersonClient
from utterson.store.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for."""

    minutes: float = 60
    share: float = 0.7
    capacity_seconds: float = 30
    every_s: float = 5
    callers: int = 8
    front: str = "on"
    out: Path = ROOT / "target" / "soak"


@asynccontextmanager
async def _server(base: Path, front: str) -> AsyncIterator[tuple[ServerProcess, str, Path]]:
    """Start a Postgres and a server."""
    async with (
        EmbeddedPostgres(base / "data", start_timeout_s=START_TIMEOUT_S) as cluster,
        fresh_database(cluster) as database_url,
    ):
        settings = {"DATABASE_URL": database_url, "FRONT": front}
        server = ServerProcess(base / "server", base / "server.log", settings)
        try:
            await server.start()
            yield server, database_url, base / "data"
        finally:
            await server.stop()


async def run(options: Options) -> int:
    """Run a soak; tells the exit code."""
    base = Path(tempfile.mkdtemp(prefix="utterson-soak-"))
    base.chmod(0o755)  # Postgres may run as another account
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        async with _server(base, options.front) as (server, database_url, data_dir):
            people = [People(f"shop-{number}", preset, number) for number, preset in enumerate(TYPES)]
            async with UttersonClient(server.address) as client:
                for one in people:
                    await client.create_workspace(one.workspace, preset=one.preset)
            load = Load(server.address, people, options.callers)
            port = int(server.address.rpartition(":")[2])
            sampler = Sampler(server.process_id, port, data_dir, database_url, load.tally)
            capacity = await _capacity(load, options.capacity_seconds)
            rate = capacity * options.share
            print(f"capacity {capacity:,.0f} calls/s; {options.minutes:g} minutes at {rate:,.0f}", flush=True)
            async with load.calling(Pace(rate)):
                await sampler.run(options.minutes * 60, options.every_s, lambda: _tell(sampler.samples, options.out))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return _end(sampler, options.out)


async def _capacity(load: Load, seconds: float) -> float:
    """Tell how many calls a second are answered where each caller calls as fast as it can."""
    async with load.calling(Pace()):
        await asyncio.sleep(seconds / 3)
        load.tally.take()
        await asyncio.sleep(seconds * 2 / 3)
        return load.tally.take().calls / (seconds * 2 / 3)


def _tell(taken: Sequence[Sample], out: Path) -> None:
    """Tell a sample a minute, and keep what was seen: a run that is ended early is worth something, too."""
    last, before_s = taken[-1], taken[-2].at_s if len(taken) > 1 else 0.0
    if last.at_s // 60 == before_s // 60:
        return
    samples.write(taken, out / "soak.csv")
    print(
        f"{last.at_s / 60:5.1f} min: {last.calls_per_second:,.0f} calls/s, {last.memory_bytes / MB:.1f} MB, "
        f"{last.descriptors} descriptors, p99 {last.p99_ms} ms, {last.failed} failed",
        flush=True,
    )


def _end(sampler: Sampler, out: Path) -> int:
    """Write what was seen, judge it, and tell the exit code."""
    samples.write(sampler.samples, out / "soak.csv")
    is_drawn = plots.draw(sampler.samples, out / "soak.svg")
    first, last = sampler.samples[0], sampler.samples[-1]
    judged = judge(sampler.samples)
    share = failed_share(sampler.samples)
    print(*judged, sep="\n")
    print(f"stored: {last.identifiers - first.identifiers:,} identifiers more, {last.identifiers:,} in all")
    print(f"cancelled {sum(one.cancelled for one in sampler.samples):,}, refused by rules {sampler.refused.total():,}")
    print(f"failed {share:.3%}, at most {FAILED_SHARE_MAX:.3%}: {dict(sampler.failed.most_common(5))}")
    print(f"the samples: {out / 'soak.csv'}" + (f", the picture: {out / 'soak.svg'}" if is_drawn else ""))
    return 0 if all(one.is_flat for one in judged) and share <= FAILED_SHARE_MAX else 1


def main(arguments: list[str] | None = None) -> int:
    """Run the command; tells the exit code."""
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="A server under load: does it stay flat?")
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="how long")
    parser.add_argument("--share", type=float, default=usual.share, help="of the capacity")
    parser.add_argument("--capacity-seconds", type=float, default=usual.capacity_seconds, help="time to find it out")
    parser.add_argument("--every-s", type=float, default=usual.every_s, help="the time between two samples")
    parser.add_argument("--callers", type=int, default=usual.callers, help="how many of each of five makes")
    parser.add_argument("--front", choices=["on", "off"], default=usual.front, help="the server's setting")
    parser.add_argument("--out", type=Path, default=usual.out, help="the folder for samples and picture")
    return asyncio.run(run(Options(**vars(parser.parse_args(arguments)))))


if __name__ == "__main__":
    sys.exit(main())
