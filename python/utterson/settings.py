"""The process settings: typed, described once, read once.

Nothing else in the project reads the environment. A setting comes from, strongest first: the command line, a variable
`UTTERSON_<NAME>`, the TOML file given by `--config`, the default below.
"""

import ipaddress
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace
from utterson.domain.startup import StartupError

ENVIRONMENT_PREFIX = "UTTERSON_"

_PORT_MAX = 65535

_Milliseconds = Annotated[int, Field(ge=1, le=3_600_000)]
_Count = Annotated[int, Field(ge=1)]


class Consistency(StrEnum):
    """How fresh the answer to a call that changes nothing must be."""

    STRONG = "strong"
    LOCAL = "local"


class Reflection(StrEnum):
    """Whether the server describes its own API to callers."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class LogLevel(StrEnum):
    """How much the process logs."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """What a log line looks like."""

    TEXT = "text"
    JSON = "json"


def default_data_dir() -> Path:
    """Tell where the data lives unless set: the system's place for root, else beside the caller.

    Root's home and checkout are usually closed to the account that runs Postgres; `/var/lib` is not.
    """
    return Path("/var/lib/utterson") if os.geteuid() == 0 else Path("utterson-data")


class Settings(BaseSettings):
    """Every setting of the process. Units are part of the names."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True)

    listen: str = Field(
        default="127.0.0.1:50051", description="Address to serve on, HOST:PORT; port 0 takes a free one."
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded Postgres; /var/lib/utterson as root, else ./utterson-data.",
    )
    database_url: SecretStr | None = Field(
        default=None, description="postgresql:// address of an existing Postgres, instead of the embedded one."
    )
    postgres_bin_dir: Path | None = Field(
        default=None, description="Folder with the programs postgres and initdb, instead of the bundled ones."
    )
    default_consistency: Consistency = Field(
        default=Consistency.STRONG,
        description="Freshness of answers that change nothing, when the caller asks for none.",
    )
    staleness_ms: _Milliseconds = Field(
        default=100, description="How long after the last look at the database a local answer may be given."
    )
    gather_ms_max: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=5, description="How long a commit may wait for more calls to join it."
    )
    batch_calls_max: _Count = Field(default=1000, description="Calls decided and committed together, at most.")
    queue_calls_max: _Count = Field(
        default=10_000, description="Calls that may wait in one workspace; further ones are refused."
    )
    commit_timeout_ms: _Milliseconds = Field(
        default=5000, description="How long one commit may take before its outcome is looked up."
    )
    at_least_timeout_ms: _Milliseconds = Field(
        default=5000, description="How long a read waits for the revision that it asks for."
    )
    head_poll_ms: _Milliseconds = Field(
        default=50, description="How often a busy workspace is checked for commits of other servers."
    )
    receive_bytes_max: Annotated[int, Field(ge=4096, le=2**31 - 1)] = Field(
        default=32 * 1024 * 1024, description="Size of the largest message taken from a caller."
    )
    reflection: Reflection = Field(
        default=Reflection.AUTO, description="Serve the API's description; auto means only on a loopback address."
    )
    log_retention_days: _Count = Field(
        default=30, description="Days after which the payload of the change log is dropped."
    )
    shutdown_grace_ms: Annotated[int, Field(ge=0, le=3_600_000)] = Field(
        default=10_000, description="How long running calls may go on after the process was told to stop."
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="How much is logged.")
    log_format: LogFormat = Field(
        default=LogFormat.TEXT, description="Log lines for people (text) or for programs (json)."
    )

    failpoint: FailpointPlace = Field(
        default=FailpointPlace.NONE, description="For tests: where on a commit's way the process breaks off."
    )
    failpoint_behaviour: FailpointBehaviour = Field(
        default=FailpointBehaviour.KILL, description="For tests: how the process breaks off at its failpoint."
    )
    failpoint_passes: Annotated[int, Field(ge=0)] = Field(
        default=0, description="For tests: how often the failpoint is passed unharmed before."
    )

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and int(port) <= _PORT_MAX):
            raise ValueError("write it as HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051")
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("it must begin with postgresql://")
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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, strongest first."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(config_file: Path | None, options: Mapping[str, object]) -> Settings:
    """Read the settings from all sources.

    Args:
        config_file: a TOML file whose keys are the names of the settings, or None.
        options: what the command line gave, by name of the setting.

    Raises:
        StartupError: the file cannot be read, or a setting is unknown or has a wrong value.
    """
    if config_file is not None and not config_file.is_file():
        raise StartupError(f"the configuration file {config_file} does not exist or is not a file")

    class SettingsWithFile(Settings):
        model_config = SettingsConfigDict(toml_file=config_file)

    try:
        return SettingsWithFile(**dict(options))  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise StartupError(_describe(error)) from None
    except (OSError, ValueError) as error:
        raise StartupError(f"the configuration file {config_file} cannot be read: {error}") from None


def _describe(error: ValidationError) -> str:
    """Say in one sentence what is wrong, without the values: one of them is a password."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            faults.append(f"there is no setting named {name}")
        else:
            faults.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}")
    return "the settings are wrong: " + "; ".join(faults)
