"""Policies as people write them: protobuf JSON with short enum names (`EVER` for `WINDOW_EVER`)."""

from collections.abc import Mapping

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from utterson.v1 import policy_pb2

_UNSPECIFIED = "UNSPECIFIED"


class PolicyFormError(Exception):
    """What was written is no policy; the text says why."""


def read_policy(source: object) -> policy_pb2.Policy:
    """Make a policy of what a YAML or JSON file holds; whether it makes sense is for the server to say.

    Args:
        source: the protobuf JSON form, read; enum values by short or full name.

    Raises:
        PolicyFormError: a field is unknown or has a wrong kind of value.
    """
    if not isinstance(source, Mapping):
        raise PolicyFormError("a policy is a mapping of its fields")
    try:
        full = with_full_names(source, policy_pb2.Policy.DESCRIPTOR)
        return json_format.ParseDict(full, policy_pb2.Policy())
    except json_format.ParseError as error:
        raise PolicyFormError(str(error)) from None


def with_full_names(source: Mapping[object, object], descriptor: Descriptor) -> dict[str, object]:
    """Replace the short names of enum values in a message's JSON form by the full ones.

    Args:
        source: the fields of the message, by proto or JSON name.
        descriptor: what the message is; its fields tell which enum a name belongs to.
    """
    fields = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    full: dict[str, object] = {}
    for key, value in source.items():
        name = str(key)
        field = fields.get(name)
        full[name] = value if field is None else _full_value(value, field)
    return full


def short_name(enum: EnumDescriptor, number: int) -> str:
    """Tell the short name of an enum value; a number that this build does not know stays a number."""
    value = enum.values_by_number.get(number)
    return str(number) if value is None else value.name.removeprefix(_prefix(enum))


def _full_value(value: object, field: FieldDescriptor) -> object:
    if isinstance(value, list):
        return [_full_value(item, field) for item in value]
    if field.message_type is not None and isinstance(value, Mapping):
        return with_full_names(value, field.message_type)
    if field.enum_type is not None and isinstance(value, str):
        prefixed = _prefix(field.enum_type) + value
        return prefixed if prefixed in field.enum_type.values_by_name else value
    return value


def _prefix(enum: EnumDescriptor) -> str:
    """Tell what all names of the enum begin with: each enum of the API has a value `<PREFIX>UNSPECIFIED` = 0."""
    return enum.values_by_number[0].name.removesuffix(_UNSPECIFIED)
