"""Where the data is kept, and for how long."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from utterson.settings.commits import CommitSettings
from utterson.settings.kinds import Count


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
        default=None, description="postgresql:// address of an existing Postgres, instead of the embedded one."
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
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("it must begin with postgresql://")
        return value
