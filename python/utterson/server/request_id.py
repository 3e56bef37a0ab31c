"""The request id of the call at hand: the caller's own, or one made where the call is refused."""

import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final

from utterson.server.limits import REQUEST_ID_LENGTH_MAX

# The name of the metadata key, and of the HTTP header.
REQUEST_ID_KEY: Final = "x-request-id"
_MADE_BYTES: Final = 8

# For whoever writes a log line; empty where the caller sent none and nothing went wrong.
request_id_of_call: ContextVar[str] = ContextVar("request_id_of_call", default="")


def note_request_id(metadata: Iterable[tuple[str, str | bytes]]) -> None:
    """Take note of the id that the caller sent, if it is one; what runs later in the call's task can read it."""
    for key, value in metadata:
        if key == REQUEST_ID_KEY and isinstance(value, str) and 0 < len(value) <= REQUEST_ID_LENGTH_MAX:
            request_id_of_call.set(value)


def fresh_request_id() -> str:
    """Make an id; where the call has no context of its own, whoever asks keeps it."""
    return secrets.token_hex(_MADE_BYTES)


def make_request_id() -> str:
    """Make an id for a call that brought none, and take note of it."""
    request_id = fresh_request_id()
    request_id_of_call.set(request_id)
    return request_id
