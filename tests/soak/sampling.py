"""Takes samples of a run at even times."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import asyncpg

from tests.soak import watching
from tests.soak.pace import Tally
from tests.soak.samples import ROW_BYTES, Sample


class Sampler:
    """Looks at one server, its Postgres and what its callers met.

    Args:
        process_id: the server's.
        port: it listens there.
        data_dir: the folder of Postgres.
        database_url: the server's database.
        tally: what calls came to; taken at each sample.
    """

    def __init__(self, process_id: int, port: int, data_dir: Path, database_url: str, tally: Tally) -> None:
        self._process_id = process_id
        self._port = port
        self._data_dir = data_dir
        self._database_url = database_url
        self._tally = tally
        self.samples: list[Sample] = []
        self.failed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def run(self, seconds: float, every_s: float, told: Callable[[], None]) -> None:
        """Take a sample now and then.

        Args:
            seconds: for so long.
            every_s: the time between two samples.
            told: is called after each sample.
        """
        loop = asyncio.get_running_loop()
        connection = await asyncpg.connect(self._database_url)
        try:
            began_s = before_s = loop.time()
            self._tally.take()
            for number in range(1, int(seconds / every_s) + 1):
                await asyncio.sleep(max(began_s + number * every_s - loop.time(), 0.0))
                now_s = loop.time()
                self.samples.append(await self._sample(connection, now_s - began_s, now_s - before_s))
                before_s = now_s
                told()
        finally:
            await connection.close()

    async def _sample(self, connection: "asyncpg.Connection[asyncpg.Record]", at_s: float, lasted_s: float) -> Sample:
        tally = self._tally.take()
        self.failed += tally.failed
        self.refused += tally.refused
        server = watching.process(self._process_id)
        database_memory_bytes, database_processes = watching.database(self._data_dir)
        rows = await watching.rows(connection, list(ROW_BYTES))
        return Sample(
            at_s=round(at_s, 1),
            memory_bytes=server.memory_bytes,
            descriptors=server.descriptors,
            connections=watching.connections_to(self._port),
            threads=server.threads,
            database_memory_bytes=database_memory_bytes,
            database_processes=database_processes,
            database_connections=await watching.database_connections(connection),
            identifiers=rows["identifiers"],
            requests=rows["requests"],
            traits=rows["traits"],
            calls_per_second=round(tally.calls / lasted_s, 1),
            p50_ms=round(tally.percentile_ms(0.5), 2),
            p99_ms=round(tally.percentile_ms(0.99), 2),
            cancelled=tally.cancelled,
            failed=sum(tally.failed.values()),
        )
