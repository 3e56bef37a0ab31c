"""The checks of a run. Each drives a workspace of its own; the first difference fails the run, loudly."""

import asyncio
from pathlib import Path

import asyncpg
from google.rpc.status_pb2 import Status

from benchmarks.harness import frames
from benchmarks.harness.bench import Bench, Target, unary
from benchmarks.harness.cells.batches import STREAM
from benchmarks.harness.clients import Load, Sampling
from benchmarks.harness.correctness import WrongAnswerError
from benchmarks.harness.correctness.comparing import Comparison, Told, read_profile_ids
from benchmarks.harness.correctness.log_order import our_partition, read_order, write_tracked
from benchmarks.harness.correctness.model_calls import model_call, read_calls, read_population
from benchmarks.harness.readings import Reading
from benchmarks.harness.workloads import Workload
from benchmarks.peers import naive_database
from benchmarks.peers.naive_direct import decode
from utterson.v1.resolution_pb2 import Resolution

# The model looks at every profile in every call.
MODEL_PROFILES = 400
DRIVE_S = 60.0


async def run(bench: Bench) -> None:
    """Make all checks."""
    # The quick run takes each way of sending once.
    is_quick = bench.sizes.is_quick
    for name in ("mixed",) if is_quick else ("mixed", "isolation-day"):
        _say(bench, await in_order(bench, name))
    for name in ("merge-storm",) if is_quick else ("mixed", "merge-storm"):
        _say(bench, await at_once(bench, name))
    _say(bench, await replayed(bench))


async def in_order(bench: Bench, name: str) -> str:
    """One stream, so that the calls' order is the file's; every answer beside the model's."""
    workload = await _small(bench, name)
    async with bench.utterson(workload) as target:
        told = await _drive_all(bench, target, workload.calls, STREAM, workload.profile_ids)
    calls = read_calls(workload.calls)
    comparison = _comparison(workload)
    for place, call in enumerate(calls):
        comparison.call(place, call, told.get(place))
    return f"{name}, one stream: {comparison.compared:,} of {len(calls):,} answers are the reference model's"


async def at_once(bench: Bench, name: str) -> str:
    """32 callers at once; every answer beside the model's, which is told the calls in our log's order."""
    workload = await _small(bench, name)
    calls = workload.folder / "tracked.bin"
    count = write_tracked(workload.calls, calls, 0, bench.sizes.correctness_calls)
    async with bench.utterson(workload) as target:
        told = await _drive_all(bench, target, calls, unary(32), workload.profile_ids)
        order = await read_order(bench.cluster.url(target.database), workload.workspaces[0], count)
    encoded = list(frames.calls(calls))
    comparison = _comparison(workload)
    for place in order:
        comparison.call(place, model_call(*encoded[place], place), told.get(place))
    return f"{name}, 32 callers at once: {comparison.compared:,} of {count:,} answers are the reference model's"


async def replayed(bench: Bench) -> str:
    """Callers and a stream at once; then the naive peer, told the calls in our log's order, has the same partition."""
    count = bench.sizes.replay_calls
    workload = await bench.workload("mixed", bench.sizes.replay_population, count, "correctness replayed")
    files = [workload.folder / "first.bin", workload.folder / "second.bin"]
    halves = [write_tracked(workload.calls, file, half * (count // 2), count // 2) for half, file in enumerate(files)]
    async with bench.utterson(workload) as target, bench.naive(workload) as naive:
        drives = zip(files, (unary(32), STREAM), strict=True)
        answers = await asyncio.gather(*(_drive_all(bench, target, file, load) for file, load in drives))
        told = answers[0] | {place + halves[0]: one for place, one in answers[1].items()}
        url = bench.cluster.url(target.database)
        order = await read_order(url, workload.workspaces[0], sum(halves))
        with bench.telling.step("replaying through the naive peer"):
            connection = await asyncpg.connect(naive.database_url)
            await _replay(connection, workload, order, told)
            theirs = await naive_database.read_partition(connection)
            await connection.close()
        ours = await our_partition(url, workload.workspaces[0])
    if ours != theirs:
        raise WrongAnswerError(
            f"the partitions differ: {len(ours - theirs)} of our {len(ours)} profiles hold other identifiers than the"
            f" naive peer's {len(theirs)}, among them {min(ours - theirs or theirs - ours, key=sorted)}"
        )
    return (
        f"mixed, callers and a stream at once: {len(order):,} calls replayed through the naive peer in our log's order"
        f" end in the same partition, {len(ours):,} profiles"
    )


async def _replay(
    connection: "asyncpg.Connection[asyncpg.Record]", workload: Workload, order: list[int], told: dict[int, Told]
) -> None:
    calls = decode(frames.calls(workload.calls))
    resolve = await connection.prepare(naive_database.RESOLVE)
    for place in order:
        row = await resolve.fetchrow(*calls[place])
        answer = told.get(place)
        if row is None or (isinstance(answer, Resolution) and answer.outcome != row["outcome"]):
            raise WrongAnswerError(f"call {place}: the naive peer says {row}, the server {answer}")


def _say(bench: Bench, sentence: str) -> None:
    bench.checked.append(sentence)
    bench.telling.say(f"[green]{sentence}")


async def _small(bench: Bench, name: str) -> Workload:
    calls = bench.sizes.correctness_calls
    population = MODEL_PROFILES
    if name == "merge-storm":
        calls = population * 6 // 10
    return await bench.workload(name, population, calls, f"correctness {name}")


async def _drive_all(
    bench: Bench, target: Target, calls: Path, load: Load, profile_ids: Path | None = None
) -> dict[int, Told]:
    """Send every call of a file and keep every answer."""
    sampling = Sampling(1, calls.with_suffix(".answers"))
    with bench.telling.step(f"sending {calls.name} of {target.workload.label}"):
        reading: Reading = await bench.clients.drive(
            target.server.address, calls, 0, load, sampling=sampling, profile_ids=profile_ids, seconds=DRIVE_S
        )
    if not reading.ran_dry:
        raise WrongAnswerError(f"not all calls of {calls.name} were answered within {DRIVE_S:g} s")
    return {index: _told(is_resolution, encoded) for index, is_resolution, encoded in frames.answers(sampling.file)}


def _told(is_resolution: bool, encoded: bytes) -> Told:  # noqa: FBT001 - the flag of a file's frame
    return Resolution.FromString(encoded) if is_resolution else Status.FromString(encoded)


def _comparison(workload: Workload) -> Comparison:
    (preset,) = set(workload.presets.values())
    return Comparison(preset, read_population(workload.population), read_profile_ids(workload.profile_ids))
