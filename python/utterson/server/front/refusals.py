"""What the front refuses with by itself: statuses like all others, made once when it starts."""

from collections.abc import Callable
from typing import Final

from utterson.application.refusals import RETRY_AFTER_MS, queue_full, shutting_down
from utterson.domain.errors import Reason, UttersonError
from utterson.server.deadline import unanswered
from utterson.server.front.ports import FrontRefusal, FrontRefusals, Later
from utterson.server.limits import UNARY_TIMEOUT_S
from utterson.server.refusals import StatusCode, error_status, no_message, request_too_large

# The times to come back that the front chooses from.
RETRY_AFTER_MS_CHOICE: Final = (20, 50, 100, 200, 500, 1000, 2000, 5000)


def front_refusals(message_bytes_max: int) -> FrontRefusals:
    """Make them.

    Args:
        message_bytes_max: the largest message that is taken, for the sentence.
    """
    return FrontRefusals(
        overloaded=_later(_overloaded),
        workspace_full=_later(queue_full),
        unanswered=encoded_refusal(unanswered(UNARY_TIMEOUT_S)),
        message_too_large=FrontRefusal(
            StatusCode.RESOURCE_EXHAUSTED,
            f"the message has more than {message_bytes_max} bytes; send less at once, or raise receive_bytes_max",
            b"",
        ),
        request_too_large=encoded_refusal(request_too_large()),
        # In the words of gRPC's server.
        no_such_method=FrontRefusal(StatusCode.UNIMPLEMENTED, "Method not found!", b""),
        no_message=encoded_refusal(no_message()),
        unavailable=encoded_refusal(
            UttersonError(
                Reason.STORE_UNAVAILABLE, "the server is starting or stopping; try again", retry_after_ms=RETRY_AFTER_MS
            )
        ),
        stopping=encoded_refusal(shutting_down()),
    )


def _later(refusal: Callable[[int], UttersonError]) -> Later:
    return [(after_ms, encoded_refusal(refusal(after_ms))) for after_ms in RETRY_AFTER_MS_CHOICE]


def _overloaded(retry_after_ms: int) -> UttersonError:
    return UttersonError(
        Reason.QUEUE_FULL,
        "the server has more calls waiting than it can take; slow down and try again",
        retry_after_ms=retry_after_ms,
    )


def encoded_refusal(error: UttersonError) -> FrontRefusal:
    """Encode a refusal as the front sends it."""
    status = error_status(error)
    return FrontRefusal(status.code, status.message, status.SerializeToString())
