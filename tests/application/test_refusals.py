"""Refusals: callers are told what to do, the log where it broke, and neither is told a value."""

import logging

import pytest

from utterson.application.refusals import (
    CAUSES_MAX,
    FAULT_ID_BYTES,
    describe,
    internal_fault,
    outcome_unknown,
    shutting_down,
    store_refusals,
    store_unavailable,
    workspace_not_found,
)
from utterson.domain.chain import FailureKind, StoreFailureError
from utterson.domain.errors import Reason, UttersonError

AWAY = StoreFailureError(FailureKind.UNKNOWN, "08006")


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    """Raise an error, so that it has a place."""
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_fault_is_told_by_an_id_that_the_log_has_too(caplog: pytest.LogCaptureFixture) -> None:
    fault = internal_fault(raised(ValueError("jekyll@example.com")), lambda count: bytes(range(count)))
    assert fault.reason is Reason.INTERNAL_FAULT
    assert fault.fault_id == bytes(range(FAULT_ID_BYTES)).hex()
    assert fault.fault_id in fault.message
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert fault.fault_id in record.getMessage()
    assert "ValueError" in record.getMessage()
    assert "jekyll" not in caplog.text + fault.message


def test_causes_are_told_without_their_texts() -> None:
    told = describe(raised(KeyError("hyde"), raised(ValueError("jekyll"))))
    assert told.startswith("KeyError at raised:")
    assert ", caused by ValueError at raised:" in told
    assert "jekyll" not in told
    assert "hyde" not in told


def test_the_stores_own_text_is_told() -> None:
    assert describe(raised(AWAY)).startswith("StoreFailureError unknown (08006) at ")


def test_a_circle_of_causes_comes_to_an_end() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert describe(first).count("caused by") == CAUSES_MAX - 1


def test_a_read_of_a_workspace_that_is_another_one_is_of_a_lost_history() -> None:
    with pytest.raises(UttersonError) as caught, store_refusals():
        raise StoreFailureError(FailureKind.GONE, "UT002")
    assert caught.value.reason is Reason.HISTORY_DIVERGED


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind not in (FailureKind.POISON, FailureKind.GONE)])
def test_a_failed_read_is_unavailable(kind: FailureKind) -> None:
    with pytest.raises(UttersonError) as caught, store_refusals():
        raise StoreFailureError(kind, "08006")
    assert caught.value.reason is Reason.STORE_UNAVAILABLE


def test_a_value_that_the_database_refuses_stays_a_bug() -> None:
    poison = StoreFailureError(FailureKind.POISON, "22021")
    with pytest.raises(StoreFailureError) as caught, store_refusals():
        raise poison
    assert caught.value is poison


def test_what_can_be_tried_again_says_when() -> None:
    refusals = {error.reason: error for error in (store_unavailable(AWAY), outcome_unknown(), shutting_down())}
    assert set(refusals) == {Reason.STORE_UNAVAILABLE, Reason.OUTCOME_UNKNOWN, Reason.SHUTTING_DOWN}
    assert all(error.retry_after_ms for error in refusals.values())


def test_a_missing_workspace_is_named_and_not_to_be_tried_again() -> None:
    error = workspace_not_found("soho")
    assert error.reason is Reason.WORKSPACE_NOT_FOUND
    assert error.resource is not None
    assert error.resource.name == "soho"
    assert error.retry_after_ms is None
