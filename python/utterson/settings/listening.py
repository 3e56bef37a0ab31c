"""Where the server listens, and what it takes from callers."""

import ipaddress
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from utterson.settings.group import SettingsGroup
from utterson.settings.kinds import Milliseconds, MillisecondsOrZero
from utterson.settings.machine import machine_bytes

_PORT_MAX = 65535
# On a machine of less than a gigabyte: two of the largest messages.
WAITING_BYTES_MIN = 64 * 1024 * 1024


class Reflection(StrEnum):
    """Whether the server describes its own API to callers."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class FrontChoice(StrEnum):
    """Who listens at the public address."""

    ON = "on"
    OFF = "off"


class ListeningSettings(SettingsGroup):
    """The server's door."""

    listen: str = Field(
        default="127.0.0.1:50051", description="Address to serve on, HOST:PORT; port 0 takes a free one."
    )
    receive_bytes_max: Annotated[int, Field(ge=4096, le=2**31 - 1)] = Field(
        default=32 * 1024 * 1024, description="Size of the largest message taken from a caller."
    )
    front: FrontChoice = Field(
        default=FrontChoice.ON,
        description="Answer by the front in Rust; off puts gRPC's Python server there, which is slower.",
    )
    connections_max: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=4096,
        description="Connections open at once; beyond them the idlest is closed. Front only.",
    )
    connection_calls_max: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="Calls and streams that a connection may have under way. Front only."
    )
    connection_age_ms_max: MillisecondsOrZero = Field(
        default=0,
        description="Age at which a connection is asked to go, so that callers spread anew; 0 never. Front only.",
    )
    connection_age_grace_ms: Milliseconds = Field(
        default=600_000, description="How long the calls of a connection that was asked to go may go on. Front only."
    )
    keepalive_ms: Milliseconds = Field(
        default=60_000, description="Silence after which a connection is asked whether it lives. Front only."
    )
    keepalive_timeout_ms: Milliseconds = Field(
        default=20_000, description="How long a connection may take to say that it lives. Front only."
    )
    header_bytes_max: Annotated[int, Field(ge=4096, le=2**20)] = Field(
        default=16 * 1024, description="Size of a request's headers together. Front only."
    )
    waiting_calls_max: Annotated[int, Field(ge=2, le=2**20)] = Field(
        default=8192, description="Calls that wait for the event loop; further ones are refused. Front only."
    )
    waiting_bytes_max: Annotated[int, Field(ge=0, le=2**40)] = Field(
        default=0,
        description="Bytes of requests and uploads that are not answered yet, and of answers that are not taken; "
        "further ones are refused. 0 for a sixteenth of the machine's memory, or of the container's.",
    )
    upload_timeout_ms: Milliseconds = Field(
        default=120_000, description="How long an upload may take until its last message is there."
    )
    reflection: Reflection = Field(
        default=Reflection.AUTO, description="Serve the API's description; auto means only on a loopback address."
    )
    shutdown_grace_ms: MillisecondsOrZero = Field(
        default=10_000, description="How long running calls may go on after the process was told to stop."
    )

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and int(port) <= _PORT_MAX):
            raise ValueError("write it as HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051")
        return value

    @property
    def waiting_bytes(self) -> int:
        """What requests, uploads and answers may take together: as set, or a sixteenth of what there is."""
        return self.waiting_bytes_max or max(machine_bytes() // 16, WAITING_BYTES_MIN)

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        host = self.listen.rpartition(":")[0].strip("[]")
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def serves_reflection(self) -> bool:
        """Whether the API's description is served: `auto` resolved by the address."""
        if self.reflection is Reflection.AUTO:
            return self.listens_on_loopback
        return self.reflection is Reflection.ON
