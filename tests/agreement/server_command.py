"""`--through server`: the same runs over gRPC, on an embedded Postgres of their own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.agreement.server_run import ServerRun
from tests.agreement.stack import Clock, Stack, stack_on
from tests.agreement.steps import Turn, generate, steps_of
from tests.agreement.story import Told, run_length, sentence
from tests.model.generate import START_US, Generator
from utterson.store.embedded import EmbeddedPostgres
from utterson.store.migrate import migrate


async def run_on_server(seed: int, stack: Stack, clock: Clock) -> Told:
    """Run one seed in a workspace of its own."""
    model, turns = generate(seed, run_length(seed), searches_alone=True)
    clock.now_us = START_US
    server = ServerRun(model, stack, clock, f"seed-{seed}")
    taken: list[Turn] = []
    calls = 0
    try:
        await server.create(Generator(seed).policy)
        for turn, answers in turns:
            taken.append(turn)
            calls += len(steps_of(turn))
            await server.take(turn, answers)
        await server.finish()
    except Exception as error:
        return Told(seed, calls, model.hits, sentence(error), tuple(taken))
    return Told(seed, calls, model.hits)


def run_through_server(seed: int, calls: int, runs: int) -> Iterator[Told]:
    """Run seeds one after another on one server."""
    folder = Path(tempfile.mkdtemp(prefix="utterson-agreement-"))
    folder.chmod(0o755)
    clock = Clock(START_US)
    with asyncio.Runner() as runner:
        cluster = EmbeddedPostgres(folder / "data")
        runner.run(cluster.__aenter__())
        try:
            runner.run(migrate(cluster.dsn))
            stack = stack_on(cluster.dsn, clock)
            opened = runner.run(stack.__aenter__())
            done = count = 0
            while done < calls if runs == 0 else count < runs:
                told = runner.run(run_on_server(seed + count, opened, clock))
                done, count = done + told.calls, count + 1
                yield told
            runner.run(stack.__aexit__(None, None, None))
        finally:
            runner.run(cluster.__aexit__(None, None, None))
            shutil.rmtree(folder, ignore_errors=True)
