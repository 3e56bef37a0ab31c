"""Where the server listens, and what it takes from callers."""

import ipaddress
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from utterson.settings.group import SettingsGroup
from utterson.settings.kinds import MillisecondsOrZero

_PORT_MAX = 65535


class Reflection(StrEnum):
    """Whether the server describes its own API to callers."""

    AUTO = "auto"
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
