"""Page tokens: opaque, and bound to the list that they belong to."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from google.protobuf.message import DecodeError

from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.internal.v1.token_pb2 import PageToken

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1_000
_INT64_MAX = 2**63 - 1


def page_limit(page_size: int) -> int:
    """Give the number of rows of a page: 0 asks for the default, more than the maximum for the maximum.

    Raises:
        UttersonError: FIELD_INVALID where it is negative.
    """
    if page_size < 0:
        raise UttersonError(
            Reason.FIELD_INVALID,
            "page_size must not be negative",
            violations=(FieldViolation("page_size", "must be 0 or more"),),
        )
    return min(page_size or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


class PageTokens:
    """The tokens of one list: another list's, or the same with other arguments, are refused."""

    def __init__(self, *arguments: str | int) -> None:
        told = "\x00".join(str(argument) for argument in arguments)
        self._list = hashlib.blake2b(told.encode(), digest_size=8, person=b"utterson-page").digest()

    def write(self, position: Sequence[int] = (), text_position: str = "") -> str:
        """Make the token of the place after which the next page begins."""
        token = PageToken(list=self._list, position=position, text_position=text_position)
        return base64.urlsafe_b64encode(token.SerializeToString()).decode().rstrip("=")

    def read(self, page_token: str, positions: int) -> tuple[list[int], str] | None:
        """Read a token; None for the first page.

        Args:
            page_token: as the caller sent it.
            positions: how many numbers this list's tokens hold.

        Raises:
            UttersonError: PAGE_TOKEN_INVALID.
        """
        if not page_token:
            return None
        try:
            padded = page_token + "=" * (-len(page_token) % 4)
            token = PageToken.FromString(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, DecodeError):
            raise _invalid() from None
        if token.list != self._list or len(token.position) != positions:
            raise _invalid()
        if any(abs(number) > _INT64_MAX for number in token.position):
            raise _invalid()
        return list(token.position), token.text_position


def _invalid() -> UttersonError:
    return UttersonError(
        Reason.PAGE_TOKEN_INVALID,
        "the page token is not one of this list; leave it empty to begin anew, and keep the other arguments",
        violations=(FieldViolation("page_token", "must be the next_page_token of the page before"),),
    )
