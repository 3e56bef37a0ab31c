"""Small histories for porcupine, which does not trust our revisions: who called what, when, and what was answered."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.agreement.messages import policy_message
from tests.crashes.proxy import Fault as WireFault
from tests.histories.fleet import Fleet
from tests.histories.remote import RemoteReplica
from tests.model.records import JsonValue
from tests.simulation.clients import NOT_DECIDED, ReplicaGoneError
from utterson.domain.calls import CallKind
from utterson.domain.errors import Reason, UttersonError
from utterson.v1.identifier_pb2 import Identifier
from utterson.v1.identity_service_pb2 import IdentifyRequest, IdentifyResponse, SearchRequest
from utterson.v1.resolution_pb2 import Consistency, Outcome

FOLDER: Final = Path(__file__).with_name("porcupine")
# Eight that create at once may have done so in 40,320 orders, of which each may matter later.
CALLERS: Final = 5
CALLS: Final = 48
NAMES: Final = 12
# More calls of which nobody knows the outcome make the search for an order long; a lost answer of the database may be
# that of several calls.
UNKNOWN_MAX: Final = 3
ATTEMPTS: Final = 8
BUILD_TIMEOUT_S: Final = 300
JUDGE_TIMEOUT_S: Final = 300
# One type without any limit: what follows from it can be told in a few lines of Go.
POLICY: Final[dict[str, JsonValue]] = {"identifier_types": [{"name": "device"}], "merge": {"max_merges": 1000}}


@dataclass
class Called:
    """One call as its caller saw it; times in nanoseconds."""

    client: int
    began: int
    ended: int
    search: bool
    identifiers: list[str]
    unknown: bool = False
    outcome: str = ""
    profile: int = 0


class TooManyUnknownError(Exception):
    """No history came about that can be judged."""


class SmallHistory:
    """A few callers of one workspace, for a second or two.

    Args:
        fleet: the servers.
        seed: decides the calls.
    """

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.calls: list[Called] = []
        self._fleet = fleet
        self._chance = Random(seed)
        self._workspace = ""
        self._left = 0

    async def run(self) -> None:
        """Call; in the middle of it an answer of the database or a server is lost.

        Raises:
            TooManyUnknownError: in every attempt more calls were open in the end than can be judged.
        """
        for _ in range(ATTEMPTS):
            self.calls = []
            self._workspace = f"b-{secrets.token_hex(6)}"
            self._left = UNKNOWN_MAX
            await self._attempt()
            if sum(called.unknown and not called.search for called in self.calls) <= UNKNOWN_MAX:
                return
        raise TooManyUnknownError

    async def _attempt(self) -> None:
        await self._fleet.replicas[0].create_workspace(self._workspace, policy_message(POLICY))
        callers = [asyncio.create_task(self._caller(number)) for number in range(CALLERS)]
        await asyncio.sleep(0.05)
        server = self._chance.choice(self._fleet.servers)
        server.proxy.strike_once(self._chance.choice((WireFault.ANSWER_LOST, WireFault.REQUEST_LOST)))
        await asyncio.gather(*callers)
        server.proxy.choose = lambda: None

    def save(self, folder: Path) -> Path:
        """Write it down for porcupine."""
        file = folder / f"{self._workspace}.json"
        file.write_text(json.dumps([asdict(called) for called in self.calls]))
        return file

    async def _caller(self, number: int) -> None:
        for _ in range(CALLS):
            if self._left < 0:
                return
            # A caller whose call is open makes no other.
            if not await self._call(number):
                self._left -= 1
                return
            await asyncio.sleep(self._chance.random() * 0.01)

    async def _call(self, number: int) -> bool:
        """Make one call; tells whether its outcome is known."""
        is_search = self._chance.random() < 0.4
        count = 1 if is_search else self._chance.choice((1, 1, 2))
        names = self._chance.sample([f"d{name}" for name in range(NAMES)], count)
        called = Called(number, time.monotonic_ns(), 0, is_search, names)
        replica = self._chance.choice(self._fleet.replicas)
        try:
            await self._answered(called, replica)
        except ReplicaGoneError:
            called.unknown = True
        except UttersonError as refused:
            if refused.reason in NOT_DECIDED:
                return True
            called.unknown = refused.reason is Reason.OUTCOME_UNKNOWN
            called.outcome = refused.reason.name
        called.ended = time.monotonic_ns()
        self.calls.append(called)
        return not called.unknown

    async def _answered(self, called: Called, replica: RemoteReplica) -> None:
        kind, message = (CallKind.SEARCH, SearchRequest) if called.search else (CallKind.IDENTIFY, IdentifyRequest)
        request = message(
            workspace=self._workspace,
            identifiers=[Identifier(type="device", value=name) for name in called.identifiers],
            consistency=Consistency.CONSISTENCY_STRONG,
        )
        answer = await replica.call(kind, request.SerializeToString())
        resolution = IdentifyResponse.FromString(answer).resolution
        called.outcome = Outcome.Name(resolution.outcome).removeprefix("OUTCOME_")
        called.profile = resolution.profile_id


def build_porcupine(folder: Path) -> Path | None:
    """Build the judge; None where Go or its module is absent."""
    go = shutil.which("go")
    if go is None:
        return None
    program = folder / "judge"
    # Nothing is fetched by a test.
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOPROXY": "off"}
    built = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=FOLDER, env=environment, capture_output=True, timeout=BUILD_TIMEOUT_S, check=False,
    )  # fmt: skip
    return program if built.returncode == 0 else None


def judged(program: Path, files: list[Path]) -> dict[Path, str]:
    """Have porcupine judge histories: Ok, Illegal or Unknown for each."""
    told = subprocess.run([program, *files], capture_output=True, text=True, timeout=JUDGE_TIMEOUT_S, check=True)
    lines = (line.rpartition(" ") for line in told.stdout.splitlines())
    return {Path(name): verdict for name, _, verdict in lines}
