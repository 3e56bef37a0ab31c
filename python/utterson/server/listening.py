"""Finds out early that the address is taken, before Postgres starts and before gRPC prints lines of its own."""

import errno
import socket
from typing import Final

from utterson.domain.startup import StartupError

UNIX_PREFIX: Final = "unix:"
_TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})


class ListenError(StartupError):
    """The server cannot listen at its address; the text says what to do."""

    def __init__(self, listen: str) -> None:
        super().__init__(
            f"cannot listen at {listen}: the port is taken or the address is not one of this machine; "
            "stop the other process or choose another address"
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
