"""Where the data is kept, and for how long."""

import os
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from utterson.domain.startup import StartupError
from utterson.settings.commits import CommitSettings
from utterson.settings.kinds import Count, Milliseconds


def default_data_dir() -> Path:
    """Tell where the data lives unless set: the system's place for root, else beside the caller.

    Root's home and checkout are usually closed to the account that runs Postgres; `/var/lib` is not.
    """
    return Path("/var/lib/utterson") if os.geteuid() == 0 else Path("utterson-data")


class DatabaseSettings(CommitSettings):
    """The embedded Postgres, or the one that is used instead."""

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Folder of the embedded Postgres; /var/lib/utterson as root, else ./utterson-data.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description=(
            "postgresql:// address of an existing Postgres, instead of the embedded one; without a password."
            " It may name several hosts, of which the primary is used."
        ),
    )
    database_url_file: Path | None = Field(
        default=None,
        description="File that holds that address: unlike an option, nobody else can read it in the list of processes.",
    )
    connect_timeout_ms: Milliseconds = Field(
        default=1000,
        description="How long no connection to the database can be made before calls are told that it is away.",
    )
    postgres_bin_dir: Path | None = Field(
        default=None, description="Folder with the programs postgres and initdb, instead of the bundled ones."
    )
    clock_skew_ms_max: Count = Field(
        default=300_000,
        description="How far this server's clock may be from the database's; further apart, nothing is written. "
        "Must be longer than it takes to decide and send an import.",
    )
    log_retention_days: Count = Field(
        default=30, description="Days after which the payload of the change log is dropped."
    )

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_address(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _check_one_address(self) -> Self:
        if self.database_url_file is not None:
            if self.database_url is not None:
                raise ValueError("give database_url or database_url_file, not both")
            _read_address(self.database_url_file)
        return self

    @property
    def database_address(self) -> str | None:
        """The address of the Postgres to use, None for the embedded one; it may hold a password.

        Raises:
            StartupError: the file that holds it has gone since the settings were read.
        """
        if self.database_url_file is not None:
            try:
                return _read_address(self.database_url_file)
            except ValueError as error:
                raise StartupError(str(error)) from None
        return None if self.database_url is None else self.database_url.get_secret_value()


def _read_address(file: Path) -> str:
    try:
        address = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"database_url_file {file} cannot be read ({type(error).__name__})") from None
    try:
        _check_address(address)
    except ValueError as error:
        raise ValueError(f"database_url_file {file}: {error}") from None
    return address


def _check_address(address: str) -> None:
    if not address.startswith(("postgresql://", "postgres://")):
        raise ValueError("it must begin with postgresql://")
