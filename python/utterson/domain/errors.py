"""The one error that callers see, and the closed list of its reasons.

Every refusal of the service is an `UttersonError`. Its reason is one of `Reason`, which mirrors the
enum `utterson.v1.ErrorReason` of the public API (a test holds the two together).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Reason(IntEnum):
    """Why a call was refused; the numbers are those of `utterson.v1.ErrorReason`."""

    FIELD_INVALID = 1
    MALFORMED_REQUEST = 2
    NO_USABLE_IDENTIFIER = 3
    LOGIN_IDENTIFIER_REQUIRED = 4
    TWO_VALUES_OF_UNIQUE_TYPE = 5
    TYPE_REJECTED = 6
    EMPTY_CHANGE = 7
    POLICY_INVALID = 8
    PAGE_TOKEN_INVALID = 9
    REVISION_INVALID = 10
    WORKSPACE_NOT_FOUND = 11
    PROFILE_NOT_FOUND = 12
    NO_MATCH = 13
    WORKSPACE_EXISTS = 14
    REQUEST_ID_REUSED = 15
    IMMUTABLE_IDENTIFIER = 16
    IDENTIFIERS_HELD_BY_OTHERS = 17
    LIMIT_EXCEEDED = 18
    POLICY_CHANGE_FORBIDDEN = 19
    HISTORY_DIVERGED = 20
    ETAG_MISMATCH = 21
    REVISION_EXPIRED = 22
    QUEUE_FULL = 23
    QUOTA_EXCEEDED = 24
    CREDENTIALS_INVALID = 25
    ACCESS_DENIED = 26
    STORE_UNAVAILABLE = 27
    INDEX_LOADING = 28
    REVISION_NOT_REACHED = 29
    SHUTTING_DOWN = 30
    OUTCOME_UNKNOWN = 31
    INTERNAL_FAULT = 32
    PROFILE_TOO_LARGE = 33


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that breaks a rule.

    `field` is a path such as `identifiers[0].value`; `description` says what to do and never
    holds the value.
    """

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Resource:
    """The thing that an error is about: `kind` is "workspace" or "profile"; `name` its id."""

    kind: str
    name: str


class UttersonError(Exception):
    """A refusal with a stable reason and a sentence that says what to do.

    Args:
        reason: why, one of the closed list.
        message: a plain sentence without personal data.
        violations: the fields at fault, for INVALID_ARGUMENT reasons; or what tells them when they are asked for.
        resource: what the error is about, for NOT_FOUND and ALREADY_EXISTS reasons.
        retry_after_ms: when to try again, for RESOURCE_EXHAUSTED and UNAVAILABLE reasons.
        fault_id: for INTERNAL_FAULT, the id under which the server's log tells what went wrong.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        violations: "tuple[FieldViolation, ...] | Callable[[], tuple[FieldViolation, ...]]" = (),
        resource: Resource | None = None,
        retry_after_ms: int | None = None,
        fault_id: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self._violations = violations
        self.resource = resource
        self.retry_after_ms = retry_after_ms
        self.fault_id = fault_id

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """The fields at fault."""
        if not isinstance(self._violations, tuple):
            self._violations = self._violations()
        return self._violations
