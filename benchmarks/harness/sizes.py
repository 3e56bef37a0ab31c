"""How large a run is: the full one takes less than an hour, the quick one about two minutes."""

from dataclasses import dataclass

# The most that a stream may use up in a second; the call files are made for it.
STREAM_CALLS_A_SECOND_MAX = 200_000


@dataclass(frozen=True)
class Sizes:
    """Sizes of workloads, and how often and how long each side is driven."""

    is_quick: bool
    pairs: int
    warm_up_s: float
    seconds: float
    population: int
    small_population: int
    large_population: int
    storm_population: int
    correctness_calls: int
    replay_calls: int
    replay_population: int
    raw_commits: int
    held_memory_bytes_max: int

    @property
    def hits(self) -> int:
        """Tell how many look-ups are drawn; they change nothing, so they are sent again and again."""
        return 3 * self.population

    def calls(self, drives: int) -> int:
        """Tell how many calls a file needs for so many drives by stream."""
        return int((drives + 1) * (self.warm_up_s + self.seconds) * STREAM_CALLS_A_SECOND_MAX)


FULL = Sizes(
    is_quick=False,
    pairs=5,
    warm_up_s=2.0,
    seconds=8.0,
    population=333_334,
    small_population=33_334,
    large_population=3_333_334,
    storm_population=900_000,
    correctness_calls=2_000,
    replay_calls=20_000,
    replay_population=33_334,
    raw_commits=300,
    held_memory_bytes_max=24 << 30,
)
QUICK = Sizes(
    is_quick=True,
    pairs=3,
    warm_up_s=0.4,
    seconds=1.5,
    population=33_334,
    small_population=33_334,
    large_population=33_334,
    storm_population=150_000,
    correctness_calls=300,
    replay_calls=2_000,
    replay_population=3_334,
    raw_commits=60,
    held_memory_bytes_max=4 << 30,
)
