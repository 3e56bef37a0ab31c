"""All attacks, one after the other: `python -m tests.front_attacks --seconds 10`. Prints what each did to others."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.crashes.server_process import ServerProcess
from tests.front_attacks.attacks import ATTACKS
from tests.front_attacks.bystander import make_workspaces
from tests.front_attacks.trial import attacked


async def _run(seconds: float, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="utterson-attacks-") as folder:
        Path(folder).chmod(0o755)  # Postgres may run as another account
        server = ServerProcess(Path(folder, "data"), Path(folder, "log"))
        await server.start()
        try:
            await make_workspaces(server.address)
            for name in (None, *names, None):
                print(await attacked(name, server.address, server.process_id, seconds), flush=True)
        finally:
            await server.stop()
            print(Path(folder, "log").read_text()[-2000:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Attacks on HTTP/2, and what others see of them.")
    parser.add_argument("--seconds", type=float, default=10, help="how long each")
    parser.add_argument("attacks", nargs="*", default=list(ATTACKS))
    options = parser.parse_args()
    asyncio.run(_run(options.seconds, options.attacks))
