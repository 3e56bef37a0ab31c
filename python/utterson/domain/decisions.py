"""What crosses between the use cases and the engine: parsed calls going in, answers coming out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from utterson.domain.errors import UttersonError


@dataclass(slots=True)
class ParsedGroup:
    """Calls that arrived together for one workspace, in order, decoded once.

    Args:
        workspace: the workspace's id.
        positions: where each call stands in the message that it came with.
        size: how many calls.
        handle: the engine's own form of the calls.
    """

    workspace: str
    positions: Sequence[int]
    size: int
    handle: object


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """A batch or stream message, split by workspace; `faults` are calls that belong to none, by position."""

    size: int
    sequence: int
    groups: list[ParsedGroup]
    faults: list[tuple[int, UttersonError]]


@dataclass(frozen=True, slots=True)
class RepeatedCall:
    """A call that repeats an accepted one (rule C7): answer what was recorded under the digest."""

    digest: bytes
    explain: bool


# One per call: an encoded `Resolution` (for an import the whole response), a refusal, or a repetition.
Answer: TypeAlias = bytes | UttersonError | RepeatedCall


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    """A policy as it will be kept (encoded, presets expanded), and what is allowed but probably not meant."""

    policy: bytes
    warnings: tuple[str, ...]
