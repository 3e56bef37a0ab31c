"""Who has a port is told as far as it can be known."""

import contextlib
import socket
import sys
from collections.abc import Iterator

import pytest

from utterson.server.listening import OUTGOING_PORT_MIN, ListenError, ensure_free


@contextlib.contextmanager
def outgoing_port() -> Iterator[int]:
    """A port whose outgoing connection has just ended on this side."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        caller = socket.create_connection(listener.getsockname())
        port: int = caller.getsockname()[1]
        called, _ = listener.accept()
        caller.close()
        called.recv(1)
        called.close()
        yield port


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere other ports are given to outgoing connections")
def test_a_port_that_an_outgoing_connection_had_is_told_so() -> None:
    with outgoing_port() as port, pytest.raises(ListenError, match="an outgoing connection may have the port"):
        ensure_free(f"127.0.0.1:{port}")


def test_a_port_below_them_has_another_process() -> None:
    assert "outgoing" not in str(ListenError(f"127.0.0.1:{OUTGOING_PORT_MIN - 1}"))
    assert "outgoing" not in str(ListenError("unix:/run/utterson"))


def test_a_port_that_its_own_server_had_is_free_at_once() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as our listeners do
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = listener.getsockname()
        caller = socket.create_connection(address)
        called, _ = listener.accept()
        called.close()
        caller.close()
    ensure_free(f"127.0.0.1:{address[1]}")
