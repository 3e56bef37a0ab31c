"""What crosses between the use cases and the engine: parsed calls going in, answers coming out."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from utterson.domain.errors import UttersonError


class ReplyForm(Enum):
    """What the answers to a group may be put into at once."""

    # One answer a call: somebody else puts them together.
    ANSWERS = auto()
    # The group is the one call of a unary request: the whole response.
    UNARY = auto()
    # The group is all there is of a batch: the whole `BatchResolveResponse`.
    BATCH = auto()
    # The group is all there is of a stream's message: the whole `StreamResolveResponse`.
    STREAM_MESSAGE = auto()


@dataclass(slots=True)
class ParsedGroup:
    """Calls that arrived together for one workspace, in order, decoded once.

    Args:
        workspace: the workspace's id.
        positions: where each call stands in the message that it came with.
        size: how many calls.
        handle: the engine's own form of the calls.
        form: what the answers may be put into at once.
        sequence: the number of the stream's message.
        weight: about how much the calls ask to be done, in identifiers.
    """

    workspace: str
    positions: Sequence[int]
    size: int
    handle: object
    form: ReplyForm = ReplyForm.ANSWERS
    sequence: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A batch or stream message, split by workspace; `faults` are the statuses of calls of none, by position."""

    size: int
    sequence: int
    groups: list[ParsedGroup]
    faults: list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class RepeatedCall:
    """A call that repeats an accepted one (rule C7): answer what was recorded under the digest."""

    digest: bytes
    explain: bool


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A call of a message that a rule refuses: its encoded `google.rpc.Status`, ready to be a result."""

    status: bytes


# One per call: an encoded `Resolution` (for an import the whole response), a refusal, or a repetition.
Answer: TypeAlias = bytes | UttersonError | RefusedCall | RepeatedCall

# What becomes of a group: the whole response where its form allows it and no call is a repetition, else the answers.
Reply: TypeAlias = bytes | list[Answer]


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    """A policy as it will be kept (encoded, presets expanded), and what is allowed but probably not meant."""

    policy: bytes
    warnings: tuple[str, ...]
