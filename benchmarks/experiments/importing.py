"""What `utterson import` takes over in a second, beside COPY of the same rows.

See docs/decisions/0033-imports-of-any-file.md.

`python -m benchmarks.experiments.importing` makes a file of profiles with three identifiers each, imports it into a
fresh workspace, copies the rows that came of it into empty tables with the same keys and indexes by Postgres' own COPY,
and prints both rates and their ratio; with and without traits, some times in turn. The import writes what COPY writes,
and a log with the same once more, and a line of history a profile; it reads JSON and judges each value. COPY gets rows
that are made already.
"""

import argparse
import asyncio
import io
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from benchmarks.harness.cluster import Cluster
from benchmarks.harness.processes import PROGRAM, Server, free_address, tree_cpu_s, utterson_serve
from utterson.store.migrate import migrate

TABLES = ("profiles", "identifiers", "traits")
PLANS = ("free", "silver", "gold")
COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""


def write(path: Path, profiles: int, *, traits: bool) -> None:
    """Write a file of profiles."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(profiles):
            pairs = [
                ("user_id", f"user-{number:08}"),
                ("email", f"person.{number}@example.com"),
                ("anonymous_id", f"a{number:031x}"),
            ]
            fields: dict[str, Any] = {
                "identifiers": [{"type": name, "value": value} for name, value in pairs],
                "create_time": "2024-05-01T12:00:00Z",
            }
            if traits:
                plan, name = PLANS[number % len(PLANS)], f"Person {number}"
                fields["traits"] = {"plan": plan, "name": name, "age": number % 90, "vip": False}
            file.write(json.dumps(fields) + "\n")


async def imported(cluster: Cluster, folder: Path, path: Path, url: str) -> dict[str, float]:
    """Import the file by the command; tell seconds of all of it, and CPU of client, server and Postgres."""
    address = free_address()
    server = Server(utterson_serve(address, url), address, folder / "server.log")
    try:
        await server.up()
        before_s, postgres_s = tree_cpu_s(server.process_id), tree_cpu_s(cluster.process_id)
        children_s = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        begin = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            str(PROGRAM), "import", str(path), "--workspace", "shop", "--address", address, "--preset", "unify",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told, _ = await process.communicate()
        seconds = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(told.decode())
        server_s = tree_cpu_s(server.process_id) - before_s
        postgres_s = tree_cpu_s(cluster.process_id) - postgres_s
        client_s = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - children_s
    finally:
        await server.stop()
    return {"seconds": seconds, "server_cpu_s": server_s, "client_cpu_s": client_s, "postgres_cpu_s": postgres_s}


async def copied(cluster: Cluster, url: str) -> dict[str, float]:
    """Copy the rows into empty tables of another database; the time is that of COPY alone."""
    target = await cluster.create("copied")
    await migrate(target)
    source, connection = await asyncpg.connect(url), await asyncpg.connect(target)
    seconds = cpu_s = 0.0
    for table in TABLES:
        names = [row[0] for row in await source.fetch(COLUMNS, table)]
        data = io.BytesIO()
        await source.copy_from_table(table, columns=names, output=data, format="binary")
        data.seek(0)
        begin, before_s = time.perf_counter(), tree_cpu_s(cluster.process_id) + time.process_time()
        await connection.copy_to_table(table, columns=names, source=data, format="binary")
        seconds += time.perf_counter() - begin
        cpu_s += tree_cpu_s(cluster.process_id) + time.process_time() - before_s
    await source.close()
    await connection.close()
    return {"seconds": seconds, "cpu_s": cpu_s}


async def run(profiles: int, pairs: int, folder: Path) -> None:
    """Run both in turn, with and without traits; print a line of JSON for each."""
    async with Cluster(folder / "postgres") as cluster:
        for traits in (False, True):
            path = folder / "profiles.jsonl"
            write(path, profiles, traits=traits)
            ratios = []
            for _ in range(pairs):
                url = await cluster.create("imported")
                await cluster.settle()
                ours = await imported(cluster, folder, path, url)
                await cluster.settle()
                theirs = await copied(cluster, url)
                ratio = theirs["seconds"] / ours["seconds"]
                ratios.append(ratio)
                cpu_us = {
                    f"{who}_cpu_us_a_profile": round(1e6 * ours[f"{who}_cpu_s"] / profiles, 1)
                    for who in ("client", "server", "postgres")
                }
                told = {
                    "traits": traits,
                    "profiles_a_second": round(profiles / ours["seconds"]),
                    "identifiers_a_second": round(3 * profiles / ours["seconds"]),
                    **cpu_us,
                    "copy_identifiers_a_second": round(3 * profiles / theirs["seconds"]),
                    "copy_cpu_us_a_profile": round(1e6 * theirs["cpu_s"] / profiles, 1),
                    "import_to_copy": round(ratio, 2),
                }
                print(json.dumps(told), flush=True)
            median = round(sorted(ratios)[len(ratios) // 2], 2)
            print(json.dumps({"traits": traits, "import_to_copy": median}), flush=True)
            await cluster.drop("imported", "copied")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, default=500_000)
    parser.add_argument("--pairs", type=int, default=3)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="utterson-experiment-"))
    folder.chmod(0o755)
    try:
        uvloop.run(run(given.profiles, given.pairs, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
