"""What clients of other makes are given, so that they try again as this one does: gRPC's own service config."""

import json
from typing import Final

from utterson.v1 import identity_service_pb2, profile_service_pb2, workspace_service_pb2

_SERVICES: Final = (identity_service_pb2, profile_service_pb2, workspace_service_pb2)

# The channel option that takes it.
SERVICE_CONFIG_OPTION: Final = "grpc.service_config"


def service_config() -> str:
    """Give the published service config, as JSON.

    A call that was answered UNAVAILABLE or CANCELLED, or whose connection broke, is made again up to four times; what
    its caller cancels never is. That is safe for what only reads, and for what carries a `request_id` (or a
    `message_id`): give every call that writes one. A full queue is not in it: the server says when to come back, and
    gRPC's own retries would not listen.
    """
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
    }
    names = [
        {"service": service.full_name}
        for messages in _SERVICES
        for service in messages.DESCRIPTOR.services_by_name.values()
    ]
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]})
