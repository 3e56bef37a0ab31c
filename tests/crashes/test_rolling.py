"""A rolling restart fails no call, and does not wait for callers that only listen."""

from pathlib import Path

import pytest

from tests.crashes.rolling import rolled
from utterson.settings.listening import FrontChoice


@pytest.mark.parametrize("front", list(FrontChoice))
async def test_a_rolling_restart_fails_no_call(open_dir: Path, front: FrontChoice) -> None:
    outcome = await rolled(open_dir, 3, front=front.value)
    assert min(outcome.answered[kind] for kind in ("our client", "batches", "gRPC's retries")) > 0
    failed = dict(outcome.failed)
    if front is FrontChoice.OFF:
        # What arrives while gRPC's own server closes it may cancel, which the published service config does not repeat.
        failed = {kind: count for kind, count in failed.items() if not kind.startswith("gRPC's retries: CANCELLED")}
    assert failed == {}
    assert max(outcome.stopped_in_s) < 8, "the grace is ten seconds"
