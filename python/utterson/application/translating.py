"""Failures of reads as refusals."""

from collections.abc import Iterator
from contextlib import contextmanager

from utterson.application.faults import store_unavailable
from utterson.domain.chain import FailureKind, StoreFailureError


@contextmanager
def store_refusals() -> Iterator[None]:
    """Turn a failed read into STORE_UNAVAILABLE; a value that the database refuses stays a bug."""
    try:
        yield
    except StoreFailureError as failure:
        if failure.kind is FailureKind.POISON:
            raise
        raise store_unavailable(failure) from None
