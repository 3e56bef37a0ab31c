"""How far the change of a table's key is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RekeyProgress:
    """What the database tells of an index that it builds.

    Args:
        step: what it does just now, in its own words.
        done: how much of the step is done, in what the step counts.
        expected: how much there is to do; 0 where that is not known.
    """

    step: str
    done: int = 0
    expected: int = 0
