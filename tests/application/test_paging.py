"""Page tokens and page sizes, at their bounds."""

import base64

import pytest

from utterson.application.paging import (
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    TOKEN_LENGTH_MAX,
    PageTokens,
    cut_by_bytes,
    page_limit,
    text_position_told,
)
from utterson.domain.errors import Reason, UttersonError
from utterson.domain.records import ANSWER_BYTES_MAX
from utterson.internal.v1.token_pb2 import PageToken

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
KEY = bytes(range(16))


def reason_of_reading(tokens: PageTokens, token: str, positions: int) -> Reason:
    with pytest.raises(UttersonError) as caught:
        tokens.read(token, positions)
    return caught.value.reason


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (0, PAGE_SIZE_DEFAULT),
        (1, 1),
        (PAGE_SIZE_MAX, PAGE_SIZE_MAX),
        (PAGE_SIZE_MAX + 1, PAGE_SIZE_MAX),
        (2**31 - 1, PAGE_SIZE_MAX),
    ],
)
def test_the_size_of_a_page(asked: int, given: int) -> None:
    assert page_limit(asked) == given


def test_a_negative_size_is_refused_by_name() -> None:
    with pytest.raises(UttersonError) as caught:
        page_limit(-1)
    assert caught.value.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in caught.value.violations] == ["page_size"]


@pytest.mark.parametrize(
    ("sizes", "limit", "taken", "has_more"),
    [
        ([], 5, 0, False),
        ([1, 1, 1], 3, 3, False),
        ([1, 1, 1], 2, 2, True),
        ([ANSWER_BYTES_MAX, 1], 5, 1, True),
        ([ANSWER_BYTES_MAX * 2, 1], 5, 1, True),
        ([ANSWER_BYTES_MAX * 2], 5, 1, False),
        ([ANSWER_BYTES_MAX - 1, 1], 5, 2, False),
    ],
)
def test_a_page_is_cut_by_bytes_but_never_empty(sizes: list[int], limit: int, taken: int, has_more: bool) -> None:
    assert cut_by_bytes(sizes, limit, lambda size: size) == (sizes[:taken], has_more)


@pytest.mark.parametrize("position", [[], [0], [INT64_MAX, -INT64_MAX], [1, 2, 3]])
def test_a_token_is_read_as_it_was_written(position: list[int]) -> None:
    token = PageTokens(KEY, "events", "soho", 1).write(position, "é/ö")
    assert PageTokens(KEY, "events", "soho", 1).read(token, len(position)) == (position, "é/ö")
    assert "=" not in token


def test_the_first_page_has_no_token() -> None:
    assert PageTokens(KEY, "events").read("", 3) is None


@pytest.mark.parametrize("arguments", [("events", "soho", 2), ("history", "soho", 1), ("events", "soho"), ("events",)])
def test_another_lists_token_is_refused(arguments: tuple[str | int, ...]) -> None:
    token = PageTokens(KEY, "events", "soho", 1).write([1])
    assert reason_of_reading(PageTokens(KEY, *arguments), token, 1) is Reason.PAGE_TOKEN_INVALID


def test_arguments_are_not_run_together() -> None:
    token = PageTokens(KEY, "events", "a", "b").write([1])
    assert reason_of_reading(PageTokens(KEY, "events", "ab"), token, 1) is Reason.PAGE_TOKEN_INVALID


def test_a_token_with_something_added_is_refused() -> None:
    tokens = PageTokens(KEY, "events")
    token = tokens.write([1])
    assert reason_of_reading(tokens, token[:4] + "%%%%" + token[4:], 1) is Reason.PAGE_TOKEN_INVALID


@pytest.mark.parametrize("positions", [0, 1, 3])
def test_a_token_of_other_positions_is_refused(positions: int) -> None:
    tokens = PageTokens(KEY, "events")
    assert reason_of_reading(tokens, tokens.write([1, 2]), positions) is Reason.PAGE_TOKEN_INVALID


def test_a_token_made_without_the_key_is_refused() -> None:
    """Whatever position it claims; today's first tokens carried a digest that anybody could make."""
    tokens = PageTokens(KEY, "events", "soho", 1)
    for key in (b"", bytes(16), KEY[:-1] + b"x"):
        forged = PageTokens(key, "events", "soho", 1).write([0, 0, INT64_MIN])
        assert reason_of_reading(tokens, forged, 3) is Reason.PAGE_TOKEN_INVALID


@pytest.mark.parametrize("change", [PageToken(position=[7]), PageToken(text_position="a\0b"), PageToken(list=b"")])
def test_a_token_that_was_changed_is_refused(change: PageToken) -> None:
    tokens = PageTokens(KEY, "events")
    token = tokens.write([3, 2, 1])
    padded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    changed = base64.urlsafe_b64encode(padded + change.SerializeToString() + b"\x7a\x00").decode().rstrip("=")
    for positions in (3, 4):
        assert reason_of_reading(tokens, changed, positions) is Reason.PAGE_TOKEN_INVALID


def test_a_token_tells_nothing_of_what_was_asked() -> None:
    """The same list under two keys has nothing in common that could be guessed at."""
    proofs = {
        PageToken.FromString(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))).list
        for token in (PageTokens(bytes([number]) * 16, "events", "soho", 1).write([1]) for number in range(9))
    }
    assert len(proofs) == 9


def test_the_place_that_a_token_claims_is_told_before_it_is_proven() -> None:
    assert text_position_told("") == ""
    assert text_position_told(PageTokens(KEY, "workspaces").write(text_position="soho")) == "soho"
    for token in ("%", "A" * (TOKEN_LENGTH_MAX + 1)):
        with pytest.raises(UttersonError) as caught:
            text_position_told(token)
        assert caught.value.reason is Reason.PAGE_TOKEN_INVALID


@pytest.mark.parametrize(
    "token", ["%", "A", "é", "AAAA", " ", base64.urlsafe_b64encode(PageToken().SerializeToString() + b"\x0a").decode()]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert reason_of_reading(PageTokens(KEY, "events"), token, 0) is Reason.PAGE_TOKEN_INVALID
