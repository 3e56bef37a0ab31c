"""Field rules of the protos, for the calls that are not validated in Rust. Tells every fault at once.

A request is counted on its bytes first: what is over a bound never becomes a message, which would take a hundred times
its bytes (docs/decisions/0021-budgets-of-work.md).
"""

import re
from typing import Final, Protocol

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from protovalidate import Validator, Violation

from utterson.domain.errors import FieldViolation, Reason, UttersonError
from utterson.server.descriptors import descriptor_pool, services

# The library's words, and what the core says of the same fault; a oneof has no field of its own to name.
_WORDING: Final = (
    (re.compile(r"does not match regex pattern `\^?(.*?)\$?`", re.DOTALL), r"must match \1"),
    (re.compile(r"value is required"), "must be given"),
    (re.compile(r"must contain at least 1 item\(s\)"), "must not be empty"),
)
_ONE_IS_REQUIRED: Final = "exactly one field is required in oneof"


class RequestBounds(Protocol):
    """What counts the fields, lists and messages of an encoded request."""

    def check_request(self, message: str, request: bytes) -> UttersonError | None:
        """Give the refusal of a request that is over a bound or no such message, else None.

        Args:
            message: the full name of the request's message.
            request: the bytes.
        """
        ...


class FieldRules:
    """The rules of every request of the API that is sent as one message, compiled when this is made.

    Args:
        bounds: what counts a request before a message is made of it.
    """

    def __init__(self, bounds: RequestBounds) -> None:
        self._bounds = bounds
        self._validator = Validator()
        self._requests: dict[str, type[Message]] = {}
        for service in services():
            for method in service.methods:
                if method.client_streaming:
                    continue
                request = GetMessageClass(descriptor_pool().FindMessageTypeByName(method.input_type.full_name))
                # The first look at a message compiles the rules of it and of all that it holds.
                self._validator.collect_violations(request())
                self._requests[f"/{service.full_name}/{method.name}"] = request

    def check(self, method: str, request: bytes) -> None:
        """Refuse a request that breaks a rule.

        Args:
            method: the full name of the RPC, for example `/utterson.v1.ProfileService/GetProfile`.
            request: the encoded request.

        Raises:
            UttersonError: MALFORMED_REQUEST; FIELD_INVALID or POLICY_INVALID with the list that is over its bound; or
                FIELD_INVALID with every fault and its path (rule C2).
        """
        request_class = self._requests[method]
        name = request_class.DESCRIPTOR.full_name
        refusal = self._bounds.check_request(name, request)
        if refusal is not None:
            raise malformed_request(name) if refusal.reason is Reason.MALFORMED_REQUEST else refusal
        try:
            message = request_class.FromString(request)
        except DecodeError as error:
            raise malformed_request(name) from error
        violations = self._validator.collect_violations(message)
        if violations:
            faults = tuple(_field_violation(message, violation) for violation in violations)
            raise UttersonError(Reason.FIELD_INVALID, _sentence(faults), violations=faults)


def malformed_request(message_name: str) -> UttersonError:
    """Make the refusal of bytes that are no such message."""
    sentence = f"the bytes are not an encoded {message_name}; generate the client from the server's protos"
    return UttersonError(Reason.MALFORMED_REQUEST, sentence, violations=(FieldViolation("", sentence),))


def _sentence(faults: tuple[FieldViolation, ...]) -> str:
    """Name the first fault, as the core does for the calls that it reads."""
    first = faults[0]
    told = f"{first.field or 'the request'}: {first.description}"
    return told if len(faults) == 1 else f"{told}; the details name all {len(faults)} faults"


def _field_violation(request: Message, violation: Violation) -> FieldViolation:
    path, told = _path(violation), _description(violation)
    if told == _ONE_IS_REQUIRED and path in request.DESCRIPTOR.oneofs_by_name:
        # Callers know the fields, not what the proto calls their choice.
        names = [field.name for field in request.DESCRIPTOR.oneofs_by_name[path].fields]
        return FieldViolation(path, f"give {' or '.join(names)}")
    return FieldViolation(path, told)


def _path(violation: Violation) -> str:
    """Write the path as in `identifiers[0].value`."""
    field = violation.proto.field
    if field is None:
        return ""
    path = ""
    for element in field.elements:
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            path += f"[{element.subscript.value}]"
    return path


def _description(violation: Violation) -> str:
    """Tell the rule that is broken: its text holds the rule's figures, never the field's value."""
    told = violation.proto.message.replace("\0", "U+0000")
    for pattern, sentence in _WORDING:
        if found := pattern.fullmatch(told):
            return found.expand(sentence)
    return told
