"""The client that callers import: an async client of all services with deadlines, retries and request ids.

Example::

    async with UttersonClient("127.0.0.1:50051") as client:
        resolution = await client.identify("shop", [("email", "ed.hyde@example.com")])
"""

from utterson.client.client import UttersonClient
from utterson.client.refusal import CallRefused, Violation
from utterson.client.requests import CallOptions, IdentifierChange, ImportedProfile
from utterson.client.retrying import RetryLimits
from utterson.client.service_config import SERVICE_CONFIG_OPTION, service_config
from utterson.client.values import FieldError, Identifiers, JsonValue

__all__ = [
    "SERVICE_CONFIG_OPTION",
    "CallOptions",
    "CallRefused",
    "FieldError",
    "IdentifierChange",
    "Identifiers",
    "ImportedProfile",
    "JsonValue",
    "RetryLimits",
    "UttersonClient",
    "Violation",
    "service_config",
]
