"""The clock for decisions follows the system's, but not its jumps."""

import pytest

from utterson.clock import TELL_EVERY_US, SteadyClock

SECOND_US = 1_000_000
CENTURY_US = 36_525 * 86_400 * SECOND_US
NOW_US = 1_800_000_000 * SECOND_US


class System:
    """A system's clocks, set by the test."""

    def __init__(self) -> None:
        self.wall_us = NOW_US
        self.steady_us = 5 * SECOND_US

    def passes(self, us: int) -> None:
        """Let time go by."""
        self.wall_us += us
        self.steady_us += us


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture
def clock(system: System) -> SteadyClock:
    return SteadyClock(60 * SECOND_US, lambda: system.wall_us, lambda: system.steady_us)


@pytest.mark.parametrize("jump_us", [CENTURY_US, -CENTURY_US, 61 * SECOND_US, -61 * SECOND_US])
def test_a_jump_is_not_followed_and_told_now_and_then(
    system: System, clock: SteadyClock, jump_us: int, caplog: pytest.LogCaptureFixture
) -> None:
    system.wall_us += jump_us
    system.passes(SECOND_US)
    assert [clock(), clock()] == [NOW_US + SECOND_US] * 2
    assert caplog.text.count("jumped by") == 1
    system.passes(TELL_EVERY_US + 1)
    clock()
    assert caplog.text.count("jumped by") == 2
    system.wall_us -= jump_us
    system.passes(SECOND_US)
    assert clock() == system.wall_us
    assert "is back" in caplog.text


def test_small_steps_are_followed_however_many(system: System, clock: SteadyClock) -> None:
    for _ in range(10):
        system.wall_us += 59 * SECOND_US
        assert clock() == system.wall_us
    for _ in range(10):
        system.wall_us -= 59 * SECOND_US
        assert clock() == system.wall_us
