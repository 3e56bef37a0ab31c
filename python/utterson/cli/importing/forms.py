"""Choices of the command that its help needs before anything heavy is loaded."""

from enum import StrEnum


class FileForm(StrEnum):
    """What a file holds."""

    AUTO = "auto"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"
    SEGMENT = "segment"
    PROFILES_SYNC = "profiles-sync"
    MPARTICLE = "mparticle"


class OnConflict(StrEnum):
    """What becomes of a profile one of whose identifiers another one holds."""

    REFUSE = "refuse"
    SKIP = "skip"
    RESOLVE = "resolve"
