"""The command knows every target."""

import re

from tests.fuzz.command import TARGETS
from tests.house.sources import read


def test_the_targets_are_those_of_the_crate() -> None:
    assert tuple(re.findall(r'Target \{ name: "(\w+)"', read("tests/fuzz/src/lib.rs"))) == TARGETS
