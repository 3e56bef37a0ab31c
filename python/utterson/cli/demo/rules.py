"""The rules by their ids, in a few words each: what a decision's `decided_by` and its checks name."""

from typing import Final

from utterson.v1.resolution_pb2 import OUTCOME_CREATED, OUTCOME_MATCHED, OUTCOME_MERGED, Resolution

_DECISIONS: Final = {
    ("I3", OUTCOME_CREATED): "no profile may be returned to these identifiers, so a new one is made",
    ("I3", OUTCOME_MATCHED): "the most trusted identifiers lead to this profile",
    ("I6", OUTCOME_CREATED): "no anonymous profile holds these identifiers, so a new one is made",
    ("I6", OUTCOME_MATCHED): "back to the anonymous profile of these identifiers",
    ("I7", OUTCOME_MATCHED): "the profile is changed by its id; a unique value is taken from whoever held it",
    ("M6", OUTCOME_CREATED): "no profile matches, so a new one is made",
    ("M6", OUTCOME_MATCHED): "one profile matches, and what it lacks is added to it",
    ("M6", OUTCOME_MERGED): "several profiles match, and the one created first survives",
}
_CHECKS: Final = {
    "M3.1": "merges",
    "M3.2": "values of a unique type",
    "M3.3": "values of a type",
    "M3.4": "identifiers",
}


def decision_of(answer: Resolution) -> str:
    """Tell in a few words what the deciding rule came to; empty where there is nothing to say."""
    return _DECISIONS.get((answer.explanation.decided_by, answer.outcome), "")


def counted_by(check: str) -> str | None:
    """Tell what a check counts against a limit; None for one that knows no limit."""
    return _CHECKS.get(check)
