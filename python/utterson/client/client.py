"""The client: one channel, all services."""

from types import TracebackType
from typing import Final, Self

import grpc

from utterson.client.checks import kind_of
from utterson.client.identity_calls import IdentityCalls
from utterson.client.profile_calls import ProfileCalls
from utterson.client.retrying import Retrier, RetryLimits
from utterson.client.values import text
from utterson.client.workspace_calls import WorkspaceCalls

TIMEOUT_S: Final = 5.0
RECEIVE_BYTES_MAX: Final = 32 * 1024 * 1024
AUTHORITY_OPTION: Final = "grpc.default_authority"

_CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    # A server that restarts is found again within a second, not within two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # The retries of this client are the only ones.
    ("grpc.enable_retries", 0),
)


def _options(address: str) -> tuple[tuple[str, str | int], ...]:
    first, comma, _ = address.partition(",")
    # gRPC would name the whole list to the server, which is no name of one.
    named = ((AUTHORITY_OPTION, first.removeprefix("ipv4:").removeprefix("ipv6:")),) if comma else ()
    return (*_CHANNEL_OPTIONS, *named)


class UttersonClient(IdentityCalls, WorkspaceCalls, ProfileCalls):
    """An async client of a server. Use it as a context manager, or close it yourself.

    Each call has one deadline over all its attempts, as many as that allows. UNAVAILABLE and CANCELLED are tried again,
    and so is a full queue, after the pause that the server asks for; a call that writes carries a request id, kept over
    its attempts, so that it takes effect once.

    Args:
        address: `host:port`, `unix:path`, or several servers, called one until it goes: `ipv4:HOST:PORT,HOST:PORT`.
        credentials: for TLS; None means plain text.
        timeout_s: the deadline of calls that name none, in seconds.
        retries: how often and how fast calls are tried again.

    Raises:
        FieldError: one of them is of another kind.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: RetryLimits | None = None,
    ) -> None:
        retrier = Retrier(RetryLimits() if retries is None else retries, timeout_s)
        options = _options(text(address, "address"))
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=options)
        else:
            kind_of(credentials, grpc.ChannelCredentials, "credentials", "grpc.ChannelCredentials")
            self._channel = grpc.aio.secure_channel(address, credentials, options=options)
        IdentityCalls.__init__(self, self._channel, retrier)
        WorkspaceCalls.__init__(self, self._channel, retrier)
        ProfileCalls.__init__(self, self._channel, retrier)

    async def close(self) -> None:
        """Close the channel; running calls are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
