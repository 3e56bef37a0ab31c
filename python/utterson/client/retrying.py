"""One deadline a call, and retries inside it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import grpc

from utterson.client.checks import one_of, seconds
from utterson.client.refusal import CallRefused, refusal_of
from utterson.client.values import whole_number
from utterson.v1 import error_reason_pb2

Answer = TypeVar("Answer")

# What surely did nothing: these are retried even where the call carries no id that makes it repeatable.
_NOTHING_DONE: Final = frozenset(
    {
        error_reason_pb2.ERROR_REASON_QUEUE_FULL,
        error_reason_pb2.ERROR_REASON_QUOTA_EXCEEDED,
        error_reason_pb2.ERROR_REASON_INDEX_LOADING,
        error_reason_pb2.ERROR_REASON_REVISION_NOT_REACHED,
        error_reason_pb2.ERROR_REASON_SHUTTING_DOWN,
    }
)

# A server that stops, or one before it, gave the call up. Where its own caller gives it up that is no refusal at all,
# but asyncio's CancelledError.
_WENT_AWAY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often and how fast a call is tried again; the call's deadline ends it in any case.

    Args:
        attempts_max: how often a call is made, the first time included; None means as often as its deadline allows.
        backoff_s: the pause after the first attempt, doubled after each further one.
        backoff_s_max: the longest pause of the client's own; the server may ask for a longer one.

    Raises:
        FieldError: one of them is no number.
    """

    attempts_max: int | None = None
    backoff_s: float = 0.05
    backoff_s_max: float = 1.0

    def __post_init__(self) -> None:
        if self.attempts_max is not None:
            whole_number(self.attempts_max, "attempts_max", bits=31, least=1)
        seconds(self.backoff_s, "backoff_s")
        seconds(self.backoff_s_max, "backoff_s_max")


class Retrier:
    """Makes calls, again where that is safe and useful.

    Args:
        limits: how often and how fast.
        timeout_s: the deadline of a call that names none, over all its attempts, in seconds.
    """

    def __init__(self, limits: RetryLimits, timeout_s: float) -> None:
        self._limits = one_of(limits, RetryLimits, "retries", "RetryLimits")
        self._timeout_s = seconds(timeout_s, "timeout_s")

    async def run(
        self, attempt: Callable[[float], Awaitable[Answer]], *, timeout_s: float | None = None, repeatable: bool = True
    ) -> Answer:
        """Make a call until it is answered or refused for good.

        Args:
            attempt: makes the call once; takes the time that is left, in seconds.
            timeout_s: the deadline over all attempts, in seconds; None means the client's.
            repeatable: the call changes nothing, or carries an id by which the server knows it again.

        Raises:
            CallRefused: the last refusal.
            FieldError: `timeout_s` is no number.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self._timeout_s if timeout_s is None else seconds(timeout_s, "timeout_s"))
        attempts = 0
        while True:
            attempts += 1
            try:
                return await attempt(deadline - loop.time())
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of(error)
            is_last = attempts == self._limits.attempts_max
            if is_last or not _is_worth_retrying(refusal, repeatable=repeatable):
                raise refusal
            pause_s = self._pause_s(attempts, refusal)
            if loop.time() + pause_s >= deadline:
                raise refusal
            await asyncio.sleep(pause_s)

    def _pause_s(self, attempts: int, refusal: CallRefused) -> float:
        """Choose a pause: never shorter than the server asks for, and spread, so that callers do not come at once."""
        longest_s = min(self._limits.backoff_s * 2.0 ** min(attempts - 1, 32), self._limits.backoff_s_max)
        return (refusal.retry_after_s or 0.0) + longest_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _is_worth_retrying(refusal: CallRefused, *, repeatable: bool) -> bool:
    if refusal.code in _WENT_AWAY:
        return repeatable or refusal.reason in _NOTHING_DONE
    # Without a time to come back it is no queue that is full, but for example a message that is too large.
    return refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED and refusal.retry_after_s is not None
