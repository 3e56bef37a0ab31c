"""What one round of the loop does for messages is bounded by time, whatever each of them costs."""

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from tests.server.fakes import Script
from tests.server.test_front import IDENTIFY, EchoIdentity, listening
from utterson.application.lane.receiver import Receiver
from utterson.domain.calls import CallKind
from utterson.server.front.pacing import ROUND_S, Pacing


def work(seconds: float) -> None:
    """Keep the loop busy."""
    until_s = time.perf_counter() + seconds
    while time.perf_counter() < until_s:
        pass


class SlowIdentity(EchoIdentity):
    """Answers after two milliseconds of work."""

    def begin(self, kind: CallKind, request: bytes, receiver: Receiver) -> bytes | None:
        """Work, and answer."""
        work(0.002)
        return super().begin(kind, request, receiver)


async def longest_round_s(until: "asyncio.Future[Any]") -> float:
    """Tell the longest time that the loop took to come back to a task that is always ready."""
    longest_s = 0.0
    while not until.done():
        before_s = time.perf_counter()
        await asyncio.sleep(0)
        longest_s = max(longest_s, time.perf_counter() - before_s)
    return longest_s


async def test_heavy_work_is_spread_over_rounds_in_the_order_of_asking() -> None:
    pacing = Pacing()
    done: list[int] = []

    async def message(number: int) -> None:
        await pacing.begin()
        work(0.003)
        done.append(number)

    messages = asyncio.gather(*(message(number) for number in range(60)))
    longest_s = await longest_round_s(messages)
    assert done == list(range(60))
    assert longest_s < 0.06, "60 messages of 3 ms at once are 180 ms"
    assert pacing.waiting == 0


async def test_light_work_waits_for_nobody() -> None:
    pacing = Pacing()
    for _ in range(10):
        await asyncio.wait_for(pacing.begin(), 1)
    passed = 0

    async def message() -> None:
        nonlocal passed
        await pacing.begin()
        passed += 1

    began_s = time.perf_counter()
    await asyncio.gather(*(message() for _ in range(2_000)))
    assert passed == 2_000
    assert time.perf_counter() - began_s < 1


async def test_one_goes_on_in_every_round_though_others_use_all_of_them_up() -> None:
    pacing = Pacing()
    waited = 0

    async def busy() -> None:
        while True:
            work(2 * ROUND_S)
            await asyncio.sleep(0)

    async def message() -> None:
        nonlocal waited
        await pacing.begin()
        work(ROUND_S)
        waited += 1

    others = asyncio.create_task(busy())
    async with asyncio.timeout(5):
        await asyncio.gather(*(message() for _ in range(20)))
    others.cancel()
    assert waited == 20


async def test_whoever_gives_up_while_it_waits_holds_nobody_up() -> None:
    pacing = Pacing()

    async def message() -> None:
        await pacing.begin()
        work(0.003)

    tasks = [asyncio.create_task(message()) for _ in range(20)]
    await asyncio.sleep(0)
    assert pacing.waiting > 10
    for task in tasks[:15]:
        task.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks[15:])
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)
    assert pacing.waiting == 0


async def test_calls_are_taken_for_so_long_only() -> None:
    def flood(address: str) -> list[bytes]:
        with grpc.insecure_channel(address) as channel:
            send: Any = channel.unary_unary(IDENTIFY)
            return [call.result() for call in [send.future(b"%d" % number, timeout=10) for number in range(200)]]

    with ThreadPoolExecutor(1) as pool:
        async with listening(SlowIdentity(Script())) as address:
            flooding = asyncio.get_running_loop().run_in_executor(pool, flood, address)
            longest_s = await longest_round_s(flooding)
    assert flooding.result() == [b"%d" % number for number in range(200)]
    assert longest_s < 0.15, "200 calls of 2 ms at once are 400 ms"
