"""Batches and streams of batches: beside the naive peer called directly, and raw group commits."""

from dataclasses import replace

from benchmarks.harness.bench import Bench, Side, Target, unary
from benchmarks.harness.clients import Load, Shape, run_json
from benchmarks.harness.peer_servers import naive_server
from benchmarks.harness.processes import python_module
from benchmarks.harness.readings import Reading

BATCH = Load(Shape.BATCH, connections=4, callers=4, calls_in_message=100)
STREAM = Load(Shape.STREAM, connections=1, callers=1, calls_in_message=100, window=8)
# Streams, and messages under way in each.
STREAMS_TRIED = ((1, 3), (1, 4), (1, 6), (1, 8), (1, 16), (2, 8))
STRETCH_P95_MS = 7.0
BEST, PROMPT = "stream at its fastest", "stream at its promptest"


async def batches(bench: Bench) -> None:
    """G3 and G5: batches of 100; the naive peer directly, and behind its server for its CPU time."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    async with bench.utterson(workload) as ours, bench.naive(workload) as naive, naive_server(bench, naive) as server:
        sides = [
            bench.side("utterson", ours, BATCH),
            bench.naive_direct(naive),
            bench.naive_unary(naive, server, unary(128)),
        ]
        await bench.pairs("batches of 100", sides)


async def tune_streams(bench: Bench) -> None:
    """Find the number of streams and messages under way that is fastest, and fastest within the stretch's p95."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    tried: list[tuple[Load, Reading]] = []
    async with bench.utterson(workload) as ours:
        for streams, window in STREAMS_TRIED:
            load = replace(STREAM, callers=streams, window=window)
            reading = await bench.measure(bench.side("utterson", ours, load))
            bench.telling.reading("streams, window", f"{streams} of {window}", reading)
            tried.append((load, reading))
    prompt = [one for one in tried if one[1].latency_ms["p95"] <= STRETCH_P95_MS]
    bench.facts[BEST] = max(tried, key=lambda one: one[1].calls_a_second)[0]
    # Where none is prompt enough, the promptest.
    bench.facts[PROMPT] = (
        max(prompt, key=lambda one: one[1].calls_a_second)[0]
        if prompt
        else min(tried, key=lambda one: one[1].latency_ms["p95"])[0]
    )


async def streams(bench: Bench) -> None:
    """G4 and G6: a stream at its fastest, 100 calls a message."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    raw_url = await bench.cluster.create("raw_commit", await bench.loaded(workload))
    since_xid = await bench.cluster.next_xid()
    async with bench.naive(workload) as naive:
        async with bench.utterson(workload) as ours:
            sides = [bench.side("utterson", ours, chosen(bench, BEST)), bench.naive_direct(naive)]
            if not bench.sizes.is_quick:
                sides.append(raw_commit(bench, ours, raw_url, since_xid))
            await bench.pairs("streams of 100", sides)
        count_rows(bench, "streams of 100", "utterson", ours)
    await bench.cluster.drop("raw_commit")


async def stretch(bench: Bench) -> None:
    """The stretch: a stream with so few messages under way that p95 stays low."""
    workload = await bench.workload("mixed", bench.sizes.population, bench.sizes.calls(bench.sizes.pairs))
    async with bench.utterson(workload) as ours:
        await bench.pairs("stretch", [bench.side("utterson", ours, chosen(bench, PROMPT))])


def chosen(bench: Bench, what: str) -> Load:
    """Tell how streams are driven: as the tuning found, or as usual where it was left out."""
    found = bench.facts.get(what)
    return found if isinstance(found, Load) else STREAM


def raw_commit(bench: Bench, source: Target, database_url: str, since_xid: int) -> Side:
    """Make the side that repeats what our commits wrote, each commit once."""
    used = 0

    async def drive() -> Reading:
        nonlocal used
        options = [
            "--source-url", bench.cluster.url(source.database), "--database-url", database_url,
            "--since-xid", str(since_xid), "--skip", str(used), "--commits", str(bench.sizes.raw_commits),
        ]  # fmt: skip
        told = await run_json(python_module("benchmarks.peers.raw_commit", *options))
        used += int(str(told["commits"]))
        return Reading.of_report(told)

    return Side("raw commit", drive)


def count_rows(bench: Bench, cell: str, side: str, target: Target) -> None:
    """Say of each of our readings how many rows a second it wrote, once the server's counters are whole."""
    rows_in_call = target.rows_written / max(1, target.used)
    readings = bench.readings[cell][side]
    readings[:] = [replace(one, rows_a_second=one.calls_a_second * rows_in_call) for one in readings]
    bench.facts["rows a call, mixed"] = rows_in_call
