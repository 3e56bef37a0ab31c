"""What the front refuses with by itself: statuses like all others, made once when it starts."""

from utterson.application.refusals import RETRY_AFTER_MS, shutting_down
from utterson.domain.errors import Reason, UttersonError
from utterson.server.deadline import unanswered
from utterson.server.front.ports import FrontRefusal, FrontRefusals
from utterson.server.limits import UNARY_TIMEOUT_S
from utterson.server.refusals import StatusCode, error_status


def front_refusals(message_bytes_max: int) -> FrontRefusals:
    """Make them.

    Args:
        message_bytes_max: the largest message that is taken, for the sentence.
    """
    return FrontRefusals(
        overloaded=encoded_refusal(
            UttersonError(
                Reason.QUEUE_FULL,
                "the server has more calls waiting than it can take; slow down and try again",
                retry_after_ms=RETRY_AFTER_MS,
            )
        ),
        unanswered=encoded_refusal(unanswered(UNARY_TIMEOUT_S)),
        message_too_large=FrontRefusal(
            StatusCode.RESOURCE_EXHAUSTED,
            f"the message has more than {message_bytes_max} bytes; send less at once, or raise receive_bytes_max",
            b"",
        ),
        unavailable=encoded_refusal(
            UttersonError(
                Reason.STORE_UNAVAILABLE, "the server is starting or stopping; try again", retry_after_ms=RETRY_AFTER_MS
            )
        ),
        stopping=encoded_refusal(shutting_down()),
    )


def encoded_refusal(error: UttersonError) -> FrontRefusal:
    """Encode a refusal as the front sends it."""
    status = error_status(error)
    return FrontRefusal(status.code, status.message, status.SerializeToString())
