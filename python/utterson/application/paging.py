"""Page tokens: opaque, bound to the list that they belong to, and proven: nobody makes one without the key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import DecodeError

from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.domain.records import ANSWER_BYTES_MAX
from utterson.internal.v1.token_pb2 import PageToken

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1_000
# A token of ours is shorter; what is longer is not even decoded.
TOKEN_LENGTH_MAX = 512
_PROOF_BYTES = 16

Row = TypeVar("Row")


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


def cut_by_bytes(rows: Sequence[Row], limit: int, size: Callable[[Row], int]) -> tuple[Sequence[Row], bool]:
    """Take the rows of one page: as many as were asked for and fit into an answer, but always one.

    Args:
        rows: what was read, in order; where there are more than `limit`, one more at the least.
        limit: how many were asked for.
        size: tells about how many bytes a row takes.

    Returns:
        The rows, and whether there are more.
    """
    taken = size_bytes = 0
    for row in rows[:limit]:
        size_bytes += size(row)
        if taken and size_bytes > ANSWER_BYTES_MAX:
            break
        taken += 1
    return rows[:taken], len(rows) > taken


class PageTokens:
    """The tokens of one list: another list's, the same with other arguments, and made-up ones are refused.

    Args:
        key: a workspace's secret, the same on every replica. Without it nobody can make a token, and nobody can learn
            from one what its list was asked for.
        arguments: the list's name and what it was asked for.
    """

    def __init__(self, key: bytes, *arguments: str | int) -> None:
        self._key = key
        self._arguments = arguments

    def write(self, position: Sequence[int] = (), text_position: str = "") -> str:
        """Make the token of the place after which the next page begins."""
        token = PageToken(list=self._proof(position, text_position), position=position, text_position=text_position)
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
        token = _decoded(page_token)
        # The very token that this list would have given, so that nothing can be added to one either.
        ours = self.write(token.position, token.text_position)
        if not hmac.compare_digest(page_token, ours) or len(token.position) != positions:
            raise invalid_page_token()
        return list(token.position), token.text_position

    def _proof(self, position: Iterable[int], text_position: str) -> bytes:
        """Digest all that a token stands for under the key; `repr` keeps the parts apart."""
        told = repr((self._arguments, tuple(position), text_position))
        return hashlib.blake2b(told.encode(), key=self._key, digest_size=_PROOF_BYTES, person=b"utterson-page").digest()


def text_position_told(page_token: str) -> str:
    """Tell the text at which a token claims to stand, to find the key that proves it; empty for the first page.

    Raises:
        UttersonError: PAGE_TOKEN_INVALID where it is no token at all.
    """
    return _decoded(page_token).text_position if page_token else ""


def _decoded(page_token: str) -> PageToken:
    if len(page_token) > TOKEN_LENGTH_MAX:
        raise invalid_page_token()
    try:
        padded = page_token + "=" * (-len(page_token) % 4)
        return PageToken.FromString(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, DecodeError):
        raise invalid_page_token() from None


def invalid_page_token() -> UttersonError:
    """Make the refusal of a token that this list did not give."""
    return UttersonError(
        Reason.PAGE_TOKEN_INVALID,
        "the page token is not one of this list; leave it empty to begin anew, and keep the other arguments",
        violations=(FieldViolation("page_token", "must be the next_page_token of the page before"),),
    )
