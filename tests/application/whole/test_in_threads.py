"""What is done in threads comes to the same: here everything is, however small."""

import pytest

from tests.application.whole.test_with_core import (
    test_a_merge_is_seen_by_both_replicas_in_every_reader as test_a_merge,
)
from tests.application.whole.test_with_core import (
    test_a_repeated_request_answers_the_same_on_another_replica as test_a_repeat,
)
from tests.application.whole.test_with_core import (
    test_two_replicas_at_once_agree_and_a_third_loads_the_same as test_two_replicas_and_a_third,
)

__all__ = ["test_a_merge", "test_a_repeat", "test_two_replicas_and_a_third"]

APPLICATION = "utterson.application"
BOUNDS = (
    "calls.batch.HEAVY_WEIGHT",
    "calls.identity.PARSE_BYTES_MAX",
    "lane.turn_runner.HEAVY_EFFECTS",
    "lane.state_keeper.HEAVY_PAYLOAD_BYTES",
    "reads.profile_reading.LARGE_IDENTIFIERS",
)


@pytest.fixture(autouse=True)
def everything_is_heavy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every bound be passed."""
    for bound in BOUNDS:
        monkeypatch.setattr(f"{APPLICATION}.{bound}", -1)
