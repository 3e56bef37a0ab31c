"""Page tokens for a moment, from a seed that is told."""

import os
import random

from tests.fuzz.page_tokens import run

SECONDS = 1.0


def test_only_its_own_tokens_are_read() -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    print(f"repeat with FUZZ_SEED={seed}")
    assert run(SECONDS, seed) > 100
