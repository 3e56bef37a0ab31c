"""docs/errors.md is what the proto says, and each reason has a cause and a cure there."""

import pytest

from tests.docs.errors_page import PAGE, cause_and_cure, comments, page
from utterson.domain.errors import Reason


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.docs.errors_page`"


@pytest.mark.parametrize("reason", list(Reason), ids=lambda reason: reason.name)
def test_each_reason_has_a_cause_and_a_cure(reason: Reason) -> None:
    cause, cure = cause_and_cure(comments()[reason])
    assert len(cause.split()) >= 3
    assert cause.endswith(".")
    assert len(cure.split()) >= 4
    assert cure.endswith(".")
