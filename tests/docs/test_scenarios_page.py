"""docs/scenarios.md tells every key of the format, and no other."""

import re

import pytest

from tests.house.sources import read
from utterson.cli.scenarios import loader

PAGE = read("docs/scenarios.md")


def keys_told(heading: str) -> set[str]:
    """Tell the keys in the first column of the table under a heading."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("A scenario", loader._SCENARIO_KEYS),
        ("A given profile", loader._GIVEN_KEYS),
        ("A step", loader._STEP_KEYS),
        ("What is expected", loader._EXPECT_KEYS),
    ],
)
def test_every_key_is_told(heading: str, keys: frozenset[str]) -> None:
    assert keys_told(heading) == keys
