"""Finds out early that the address is taken, before Postgres starts and before gRPC prints lines of its own."""

import errno
import socket
from typing import Final

from utterson.domain.startup import StartupError

UNIX_PREFIX: Final = "unix:"
# From here on Linux gives ports to outgoing connections, unless it is set otherwise.
OUTGOING_PORT_MIN: Final = 32_768
_TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})


class ListenError(StartupError):
    """The server cannot listen at its address; the text says what to do."""

    def __init__(self, listen: str) -> None:
        super().__init__(
            f"cannot listen at {listen}: the port is taken or the address is not one of this machine; "
            f"stop the other process or choose another address{_of_outgoing(listen)}"
        )


def _of_outgoing(listen: str) -> str:
    """Say who else may have the port, where it is one of those that systems give to outgoing connections."""
    port = listen.rpartition(":")[2]
    if not port.isdigit() or int(port) < OUTGOING_PORT_MIN:
        return ""
    return (
        f"; an outgoing connection may have the port, up to a minute after its end: below {OUTGOING_PORT_MIN} none has"
    )


def ensure_free(listen: str) -> None:
    """Refuse an address that cannot be listened at; what cannot be judged here is left to gRPC.

    Args:
        listen: `host:port` or `unix:path`; port 0 is always free.

    Raises:
        ListenError: the port is taken, or the address is not one of this machine.
    """
    if listen.startswith(UNIX_PREFIX):
        return
    try:
        found = places(listen)
    except OSError:
        return
    for place in found:
        family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                if error.errno in _TAKEN:
                    raise ListenError(listen) from None


def places(listen: str) -> list[tuple[str, int]]:
    """Resolve an address to listen at: each IP address and port that it stands for.

    Args:
        listen: `host:port`.

    Raises:
        OSError: the host is not known.
    """
    host, _, port = listen.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((str(place[0]), int(place[1])) for *_, place in found))
