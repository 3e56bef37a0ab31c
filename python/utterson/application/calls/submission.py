"""A message on its way: its groups wait in their lanes, its results are put together in the order of its calls."""

import asyncio
from typing import Final

from utterson.application.ports.process import Entropy, StatusEncoder
from utterson.application.refusals import internal_fault
from utterson.domain.decisions import Answer, ParsedMessage, RefusedCall, Reply
from utterson.domain.errors import UttersonError

# So many refusals are encoded before others have their turn: a few milliseconds at the most.
REFUSALS_AT_ONCE: Final = 16


def answered(answers: list[Answer]) -> "asyncio.Future[Reply]":
    """Make a future that has its answers already."""
    future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    future.set_result(answers)
    return future


class Submission:
    """A parsed batch request or stream message, and the futures of its groups."""

    def __init__(self, message: ParsedMessage, futures: list["asyncio.Future[Reply]"], entropy: Entropy) -> None:
        self.sequence = message.sequence
        self._message = message
        self._futures = futures
        self._entropy = entropy

    async def reply(self, encode_status: StatusEncoder) -> bytes | list[tuple[bool, bytes]]:
        """Wait for all groups.

        Returns:
            The whole response where the engine could give it, else one (accepted?, resolution or status) pair a call,
            in the calls' order.
        """
        try:
            if self._futures:
                await asyncio.wait(self._futures)
        except asyncio.CancelledError:
            self.cancel()
            raise
        if len(self._futures) == 1 and self._futures[0].exception() is None:
            reply = self._futures[0].result()
            if isinstance(reply, bytes):
                return reply
        return await self._results(encode_status)

    async def _results(self, encode_status: StatusEncoder) -> list[tuple[bool, bytes]]:
        """Put the results together, a few refusals at a time: each may name dozens of fields."""
        results: list[tuple[bool, bytes] | None] = [None] * self._message.size
        for position, status in self._message.faults:
            results[position] = (False, status)
        encode = _encoding_once(encode_status)
        encoded = 0
        for group, future in zip(self._message.groups, self._futures, strict=True):
            for position, answer in zip(group.positions, _answers(future, group.size), strict=True):
                results[position] = _result(answer, encode)
                encoded += isinstance(answer, UttersonError)
                if encoded >= REFUSALS_AT_ONCE:
                    encoded = 0
                    await asyncio.sleep(0)
        return [self._missing(encode_status) if result is None else result for result in results]

    def _missing(self, encode_status: StatusEncoder) -> tuple[bool, bytes]:
        """Answer a call that no group and no fault of the message accounts for: a bug of ours."""
        fault = internal_fault(LookupError("a call of the message got no answer"), self._entropy)
        return False, encode_status(fault)

    def cancel(self) -> None:
        """Drop what is not decided yet: nobody waits for it any more."""
        for future in self._futures:
            future.cancel()


def _answers(future: "asyncio.Future[Reply]", size: int) -> list[Answer]:
    error = future.exception()
    if error is None:
        reply = future.result()
        if isinstance(reply, bytes):
            raise TypeError("one of several groups was answered as if it were all")
        return reply
    if isinstance(error, UttersonError):
        return [error] * size
    raise error


def _encoding_once(encode_status: StatusEncoder) -> StatusEncoder:
    """Encode an error once that is the answer to many calls."""
    encoded: dict[int, tuple[UttersonError, bytes]] = {}

    def encode(error: UttersonError) -> bytes:
        found = encoded.get(id(error))
        if found is None:
            # The error is kept as well: nobody else gets its identity meanwhile.
            found = encoded[id(error)] = (error, encode_status(error))
        return found[1]

    return encode


def _result(answer: Answer, encode_status: StatusEncoder) -> tuple[bool, bytes]:
    if isinstance(answer, bytes):
        return True, answer
    if isinstance(answer, RefusedCall):
        return False, answer.status
    if isinstance(answer, UttersonError):
        return False, encode_status(answer)
    raise TypeError("a repeated call was not looked up")
