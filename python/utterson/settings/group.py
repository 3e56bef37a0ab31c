"""What every group of settings is: a frozen model whose fields are described, with units in their names."""

from pydantic import BaseModel, ConfigDict


class SettingsGroup(BaseModel):
    """One group; the parts of the program that need only it can be given it alone, with defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")
