"""Finds out early that an address is taken: before Postgres starts, and before gRPC prints lines of its own."""

import errno
import socket
from typing import Final

from utterson.domain.startup import StartupError

_TAKEN: Final = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES})


def ensure_free(listen: str) -> None:
    """Refuse an address that cannot be listened at; what cannot be judged here is left to the server.

    Args:
        listen: `host:port`; port 0 is always free.

    Raises:
        StartupError: the port is taken, or the address is not one of this machine.
    """
    host, _, port = listen.rpartition(":")
    try:
        places = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return
    for family, kind, protocol, _, place in places:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                if error.errno in _TAKEN:
                    raise StartupError(
                        f"cannot listen at {listen}: the port is taken or the address is not one of this machine; "
                        "stop the other process or choose another address"
                    ) from None
