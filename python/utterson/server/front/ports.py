"""What the server needs of a front, and what it tells it. The front itself is the extension's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

# The name of a call between front and loop.
Token: TypeAlias = int
# The number of a stream; 0 is none.
StreamId: TypeAlias = int
# A call that is taken: its token, the place of its method in the list, the message (None: its stream ends), the
# caller's own request id, its stream.
TakenCall: TypeAlias = tuple[Token, int, bytes | None, str | None, StreamId]


@dataclass(frozen=True, slots=True)
class FrontLimits:
    """What callers are held to; 0 milliseconds means without limit."""

    connections_max: int
    streams_max: int
    header_bytes_max: int
    message_bytes_max: int
    passed_bytes_max: int
    queue_calls_max: int
    workspace_calls_max: int
    queue_bytes_max: int
    stream_messages_max: int
    handshake_timeout_ms: int
    keepalive_ms: int
    keepalive_timeout_ms: int
    age_ms_max: int
    age_grace_ms: int
    unary_timeout_ms: int
    untaken_timeout_ms: int
    silence_ms_max: int


@dataclass(frozen=True, slots=True)
class FrontRefusal:
    """A status as it travels: gRPC's code, the sentence, the encoded `google.rpc.Status`."""

    code: int
    message: str
    details: bytes


# A refusal for each time to come back, in milliseconds, the shortest first.
Later: TypeAlias = Sequence[tuple[int, FrontRefusal]]
# A method that is taken: its path, whether it streams both ways, and where its messages tell for whom they are and how
# many calls they hold: the number of the field with the workspace, and of the one that is there once a call (0: none).
TakenMethod: TypeAlias = tuple[str, bool, int, int]

# A method that is passed through: its path, and whether either side sends several messages.
PassedMethod: TypeAlias = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class FrontMethods:
    """What the front does with methods by their names.

    `taken` are those that it takes, `passed` those that it passes through. Others there are not, but for health.
    """

    taken: Sequence[TakenMethod]
    passed: Sequence[PassedMethod]


@dataclass(frozen=True, slots=True)
class FrontRefusals:
    """What the front refuses with by itself."""

    overloaded: Later
    workspace_full: Later
    unanswered: FrontRefusal
    message_too_large: FrontRefusal
    request_too_large: FrontRefusal
    no_such_method: FrontRefusal
    no_message: FrontRefusal
    unavailable: FrontRefusal
    stopping: FrontRefusal


class Front(Protocol):
    """The front, seen from the loop: no method but `stop` waits."""

    @property
    def port(self) -> int:
        """The port that is listened at."""
        ...

    @property
    def descriptor(self) -> int:
        """Readable while something waits to be taken."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether the front's thread is there; unless it was stopped it always should be."""
        ...

    def take(self, calls_max: int) -> tuple[list[TakenCall], list[Token], list[StreamId]]:
        """Take calls, the tokens of those taken before whose callers have gone, and the streams that are over."""
        ...

    def answer(
        self,
        responses: list[tuple[Token, bytes]],
        identified: list[tuple[Token, bytes, str]],
        refusals: list[tuple[Token, int, str, bytes, str]],
    ) -> None:
        """Bring answers: responses, those whose calls were given a request id, and refusals.

        A refusal has the code, the sentence, the encoded status and the request id that the caller is told.
        """
        ...

    def alive(self) -> None:
        """Say that the loop runs."""
        ...

    def set_serving(self, serving: bool, /) -> None:  # noqa: FBT001 - there is nothing else that it could mean
        """Say whether calls are served, for health."""
        ...

    def stop(self, grace_ms: int) -> None:
        """Ask connections to go, cut them after the grace; wait until they are gone. Not for the loop's own thread."""
        ...


class OpenFront(Protocol):
    """Starts a front."""

    def __call__(
        self,
        *,
        listen: Sequence[tuple[str, int]],
        behind: str,
        methods: FrontMethods,
        services: Sequence[str],
        limits: FrontLimits,
        refusals: FrontRefusals,
    ) -> Front:
        """Listen at the addresses (IP, port).

        Args:
            listen: the addresses; where the first has port 0, the others get the port that it took.
            behind: the path of the socket of the server that gets what is not taken.
            methods: what is taken, and what is passed through.
            services: the services that health tells about.
            limits: what callers are held to.
            refusals: what the front refuses with by itself.

        Raises:
            OSError: an address cannot be listened at, or the system gives no thread or descriptor.
        """
        ...
