"""Places where a test makes the process break off. Off unless a setting names one; never for production."""

from dataclasses import dataclass
from enum import StrEnum


class FailpointPlace(StrEnum):
    """Where on a commit's way the process breaks off."""

    NONE = "none"
    # Decided; nothing was sent to the database.
    AFTER_DECIDE = "after_decide"
    # The entry is about to be sent.
    BEFORE_COMMIT = "before_commit"
    # The database has committed; nobody was answered.
    AFTER_COMMIT = "after_commit"
    # As after_commit, and the lane knows for certain.
    BEFORE_APPLY = "before_apply"


class FailpointBehaviour(StrEnum):
    """How the process breaks off."""

    # SIGKILL to itself.
    KILL = "kill"
    # The lane stands still for ever.
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class FailpointChoice:
    """One place, how the process breaks off there, and how often it passes unharmed before."""

    place: FailpointPlace = FailpointPlace.NONE
    behaviour: FailpointBehaviour = FailpointBehaviour.KILL
    passes: int = 0
