"""What a run consists of."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.harness.bench import Bench
from benchmarks.harness.cells import batches, core, front, growth, loading, unary, variety
from benchmarks.harness.correctness import checks


@dataclass(frozen=True)
class Cell:
    """A named part of a run; the quick run leaves out what is not core."""

    name: str
    run: Callable[[Bench], Awaitable[None]]
    is_core: bool = False


# The core comes first: it wants huge pages, which the files of the other cells break up.
CELLS = (
    Cell("core", core.core),
    Cell("naive", unary.sweep_naive),
    Cell("unary", unary.mixed, is_core=True),
    Cell("hits", unary.hits, is_core=True),
    Cell("echoes", front.echoes),
    Cell("spinning", front.spinning),
    Cell("ghz", unary.by_ghz),
    Cell("batches", batches.batches, is_core=True),
    Cell("tuning", batches.tune_streams),
    Cell("streams", batches.streams, is_core=True),
    Cell("stretch", batches.stretch),
    Cell("one-caller", unary.one_caller),
    Cell("loading", loading.loading),
    Cell("correctness", checks.run, is_core=True),
    Cell("variety", variety.variety),
    Cell("sizes", growth.sizes),
)
