"""Translates what the core raises. A panic of the core arrives as a BaseException: it must never leave this room."""

from types import TracebackType
from typing import Final

from utterson import _core
from utterson.domain.chain import EnginePanicError, FormatUnknownError, StateDivergedError
from utterson.domain.decisions import RefusedCall, ReplyForm
from utterson.domain.errors import FieldViolation, Reason, Resource, UttersonError


class _CoreErrors:
    """One object serves all: it holds nothing, and a generator for each call would cost more than many calls do."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, places: TracebackType | None
    ) -> None:
        """Translate what was raised."""
        if error is not None:
            raise _translated(error) from None


class _DecisionErrors(_CoreErrors):
    """As its parent; a decision reads no log, so a state that it calls broken broke in it."""

    __slots__ = ()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, places: TracebackType | None
    ) -> None:
        """Translate what was raised."""
        if error is None:
            return
        translated = _translated(error)
        if isinstance(translated, StateDivergedError):
            raise EnginePanicError(str(translated)) from None
        raise translated from None


_CORE_ERRORS: Final = _CoreErrors()
_DECISION_ERRORS: Final = _DecisionErrors()


def core_errors() -> _CoreErrors:
    """Turn the core's exceptions into the project's; whatever is not foreseen is a panic.

    Raises:
        StateDivergedError, FormatUnknownError: as the core says.
        EnginePanicError: the core broke off; its text stays here, it may quote values.
    """
    return _CORE_ERRORS


def decision_errors() -> _CoreErrors:
    """As `core_errors`; a decision reads no log, so a state that it calls broken broke in it."""
    return _DECISION_ERRORS


def _translated(error: BaseException) -> BaseException:
    """Choose what an exception of the core becomes."""
    if isinstance(error, _core.StateDivergedError):
        return StateDivergedError(str(error))
    if isinstance(error, _core.FormatUnknownError):
        return FormatUnknownError(str(error))
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        return error
    # PyO3's PanicException is no Exception.
    return EnginePanicError(type(error).__name__)


def refused(fault: _core.Fault, form: ReplyForm) -> UttersonError | RefusedCall:
    """Make of a fault what answers a call: the core writes the status where it is one result of many."""
    return refusal(fault) if form is ReplyForm.UNARY else RefusedCall(fault.status)


def refusal(fault: _core.Fault) -> UttersonError:
    """Make the project's error of a fault. Its violations, which may be many, are made when they are asked for."""
    resource = fault.resource
    return UttersonError(
        Reason(fault.reason),
        fault.message,
        violations=lambda: tuple(FieldViolation(field, description) for field, description in fault.violations),
        resource=None if resource is None else Resource(*resource),
    )
