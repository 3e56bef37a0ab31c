"""Who waits for the reply to a group of calls."""

from typing import Protocol

from utterson.domain.decisions import Reply


class Receiver(Protocol):
    """Gets the reply, once. An `asyncio.Future[Reply]` is one; the listener has a lighter one for unary calls."""

    def done(self) -> bool:
        """Tell whether a reply is not awaited, or not any more."""
        ...

    def set_result(self, reply: Reply, /) -> None:
        """Take the reply."""
        ...

    def set_exception(self, error: BaseException, /) -> None:
        """Take the refusal of the whole group."""
        ...
