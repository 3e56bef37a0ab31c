"""All faults once, which takes some minutes: only where it is asked for."""

import os

import pytest

from tests.embedded.processes import NEEDS_PROC
from tests.failover.pair import opened_pair
from tests.failover.parts import MissingError
from tests.failover.rounds import FailoverRound
from tests.failover.scenarios import SCENARIOS

LONG = "UTTERSON_LONG_TESTS"
pytestmark = [NEEDS_PROC, pytest.mark.skipif(LONG not in os.environ, reason=f"some minutes: set {LONG}=1")]


async def test_what_was_acknowledged_stands_where_it_is_promised_and_its_loss_is_told() -> None:
    try:
        async with opened_pair() as pair:
            for seed, scenario in enumerate(SCENARIOS):
                print(await FailoverRound(pair, scenario, seed).measured())
    except MissingError as missing:
        pytest.skip(str(missing))
