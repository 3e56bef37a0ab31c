"""`python -m tests.budgets.watched_process FILE`: a server whose stalls are written to a file, one a line."""

import asyncio
import sys
from pathlib import Path

from tests.budgets.stall_watch import Stall, StallWatch
from utterson import main
from utterson.settings.process import load_settings


async def _serve(told: Path) -> None:
    with told.open("w", buffering=1) as file:

        def tell(stall: Stall) -> None:
            file.write(f"{stall}\n")

        StallWatch(tell).start()
        await main.serve(load_settings(None, {}))


if __name__ == "__main__":
    # asyncio's own loop: the watch does not see into another.
    asyncio.run(_serve(Path(sys.argv[1])))
