"""The kinds of numbers that settings are."""

from typing import Annotated, TypeAlias

from pydantic import Field

# The longest time that any setting takes: an hour.
MILLISECONDS_MAX = 3_600_000

Milliseconds: TypeAlias = Annotated[int, Field(ge=1, le=MILLISECONDS_MAX)]
MillisecondsOrZero: TypeAlias = Annotated[int, Field(ge=0, le=MILLISECONDS_MAX)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
