"""Page tokens and page sizes, at their bounds."""

import base64

import pytest

from utterson.application.paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PageTokens, page_limit
from utterson.domain.errors import Reason, UttersonError
from utterson.internal.v1.token_pb2 import PageToken

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)


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


@pytest.mark.parametrize("position", [[], [0], [INT64_MAX, -INT64_MAX], [1, 2, 3]])
def test_a_token_is_read_as_it_was_written(position: list[int]) -> None:
    token = PageTokens("events", "soho", 1).write(position, "é/ö")
    assert PageTokens("events", "soho", 1).read(token, len(position)) == (position, "é/ö")
    assert "=" not in token


def test_the_first_page_has_no_token() -> None:
    assert PageTokens("events").read("", 3) is None


@pytest.mark.parametrize("arguments", [("events", "soho", 2), ("history", "soho", 1), ("events", "soho"), ("events",)])
def test_another_lists_token_is_refused(arguments: tuple[str | int, ...]) -> None:
    token = PageTokens("events", "soho", 1).write([1])
    assert reason_of_reading(PageTokens(*arguments), token, 1) is Reason.PAGE_TOKEN_INVALID


def test_arguments_are_not_run_together() -> None:
    token = PageTokens("events", "a", "b").write([1])
    assert reason_of_reading(PageTokens("events", "ab"), token, 1) is Reason.PAGE_TOKEN_INVALID


def test_a_token_with_something_added_is_refused() -> None:
    tokens = PageTokens("events")
    token = tokens.write([1])
    assert reason_of_reading(tokens, token[:4] + "%%%%" + token[4:], 1) is Reason.PAGE_TOKEN_INVALID


@pytest.mark.parametrize("positions", [0, 1, 3])
def test_a_token_of_other_positions_is_refused(positions: int) -> None:
    tokens = PageTokens("events")
    assert reason_of_reading(tokens, tokens.write([1, 2]), positions) is Reason.PAGE_TOKEN_INVALID


def test_a_number_without_a_positive_twin_is_refused() -> None:
    tokens = PageTokens("events")
    assert reason_of_reading(tokens, tokens.write([INT64_MIN]), 1) is Reason.PAGE_TOKEN_INVALID


@pytest.mark.parametrize(
    "token", ["%", "A", "é", "AAAA", " ", base64.urlsafe_b64encode(PageToken().SerializeToString() + b"\x0a").decode()]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert reason_of_reading(PageTokens("events"), token, 0) is Reason.PAGE_TOKEN_INVALID
