"""Translates what the core raises. A panic of the core arrives as a BaseException: it must never leave this room."""

from collections.abc import Iterator
from contextlib import contextmanager

from utterson import _core
from utterson.domain.chain import EnginePanicError, FormatUnknownError, IndexDivergedError
from utterson.domain.errors import FieldViolation, Reason, Resource, UttersonError


@contextmanager
def guarded() -> Iterator[None]:
    """Turn the core's exceptions into the project's; whatever is not foreseen is a panic.

    Raises:
        IndexDivergedError, FormatUnknownError: as the core says.
        EnginePanicError: the core broke off; its text stays here, it may quote values.
    """
    try:
        yield
    except _core.IndexDivergedError as error:
        raise IndexDivergedError(str(error)) from None
    except _core.FormatUnknownError as error:
        raise FormatUnknownError(str(error)) from None
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        # PyO3's PanicException is no Exception.
        raise EnginePanicError(type(error).__name__) from None


@contextmanager
def deciding() -> Iterator[None]:
    """As `guarded`; a decision reads no log, so an index that it calls broken broke in it."""
    try:
        with guarded():
            yield
    except IndexDivergedError as error:
        raise EnginePanicError(str(error)) from None


def refusal(fault: _core.Fault) -> UttersonError:
    """Make the project's error of a fault."""
    resource = fault.resource
    return UttersonError(
        Reason(fault.reason),
        fault.message,
        violations=tuple(FieldViolation(field, description) for field, description in fault.violations),
        resource=None if resource is None else Resource(*resource),
    )
