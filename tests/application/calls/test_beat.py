"""The beat: answers leave together where many are ready, and at once where few are."""

import asyncio

from utterson.application.calls.beat import BEAT_S, CALLS_MIN, POOR_BEATS_MAX, REST_S, Beat


def busy() -> Beat:
    beat = Beat()
    # All within one millisecond, unless the machine stands still for a moment.
    for _ in range(1000):
        if beat.is_running():
            return beat
    raise AssertionError("so many answers at once never start the beat")


async def test_a_lone_answer_never_waits() -> None:
    beat = Beat()
    for _ in range(20):
        assert not beat.is_running()
        await asyncio.sleep(2 * BEAT_S)


async def test_answers_leave_together() -> None:
    beat, left = busy(), []

    async def answer(number: int) -> None:
        await beat.tick()
        left.append((number, asyncio.get_running_loop().time()))

    await asyncio.gather(*(answer(number) for number in range(10)))
    assert sorted(number for number, _ in left) == list(range(10))
    assert left[-1][1] - left[0][1] < BEAT_S


async def test_who_goes_away_takes_nobody_along() -> None:
    beat = busy()
    ticks = [beat.tick() for _ in range(CALLS_MIN + 1)]
    ticks[0].cancel()
    await asyncio.wait_for(asyncio.gather(*ticks[1:]), 1)


async def test_a_few_callers_in_a_loop_do_not_wait_for_more() -> None:
    beat, rounds = busy(), 160

    async def caller() -> None:
        for _ in range(rounds):
            assert beat.is_running()
            await beat.tick()
            await asyncio.sleep(0)

    began_s = asyncio.get_running_loop().time()
    await asyncio.gather(*(caller() for _ in range(CALLS_MIN + 1)))
    assert asyncio.get_running_loop().time() - began_s < rounds * BEAT_S / 2


async def test_it_rests_where_it_is_not_worth_it() -> None:
    beat = busy()
    for _ in range(POOR_BEATS_MAX):
        assert beat.is_running()
        await beat.tick()
    assert not any(beat.is_running() for _ in range(100))
    beat._rests_until_s -= REST_S
    assert any(beat.is_running() for _ in range(1000))
