"""A rolling restart fails no call, and does not wait for callers that only listen."""

from pathlib import Path

import pytest

from tests.crashes.rolling import rolled
from utterson.settings.listening import FrontChoice


@pytest.mark.parametrize("front", list(FrontChoice))
async def test_a_rolling_restart_fails_no_call(open_dir: Path, front: FrontChoice) -> None:
    folder = open_dir / f"rolling-{front.value}"
    folder.mkdir(mode=0o755)
    outcome = await rolled(folder, 3, front=front.value)
    assert min(outcome.answered[kind] for kind in ("our client", "batches", "gRPC's retries")) > 0
    assert outcome.failed == {}
    assert max(outcome.stopped_in_s) < 8, "the grace is ten seconds"
