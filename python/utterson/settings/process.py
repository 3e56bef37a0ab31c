"""All settings of the process, and where they come from.

Strongest first: the command line, a variable `UTTERSON_<NAME>`, the TOML file given by `--config`, the default. A name
that is no setting is refused, wherever it stands.
"""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from utterson.domain.startup import StartupError
from utterson.settings.database import DatabaseSettings
from utterson.settings.failpoints import FailpointSettings
from utterson.settings.lanes import LaneSettings
from utterson.settings.listening import ListeningSettings
from utterson.settings.logging import LoggingSettings
from utterson.settings.soundness import SoundnessSettings

ENVIRONMENT_PREFIX: Final = "UTTERSON_"
_SERVICE_LINK: Final = re.compile(
    r"(?P<service>[A-Z0-9_]+?)_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


# In the order in which the help shows them: pydantic lists the fields of the last base first.
class Settings(
    FailpointSettings,
    LoggingSettings,
    SoundnessSettings,
    LaneSettings,
    DatabaseSettings,
    ListeningSettings,
    BaseSettings,
):
    """Every setting of the process. Units are part of the names."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True)

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
    _refuse_unknown_variables(os.environ)

    class SettingsWithFile(Settings):
        model_config = SettingsConfigDict(toml_file=config_file)

    try:
        return SettingsWithFile(**dict(options))  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise StartupError(_describe(error)) from None
    except (OSError, ValueError) as error:
        raise StartupError(f"the configuration file {config_file} cannot be read: {error}") from None


def _refuse_unknown_variables(names: Iterable[str]) -> None:
    """Refuse variables that look like settings and are none: a misspelt one would silently not be in force."""
    ours = {name for name in names if name.upper().startswith(ENVIRONMENT_PREFIX)}
    unknown = sorted(name for name in ours if not _is_setting(name) and not _is_of_kubernetes(name, ours))
    if unknown:
        raise StartupError("the environment is wrong: " + "; ".join(_no_such_variable(name) for name in unknown))


def _is_setting(name: str) -> bool:
    return name.upper().removeprefix(ENVIRONMENT_PREFIX).lower() in Settings.model_fields


def _is_of_kubernetes(name: str, names: set[str]) -> bool:
    """Tell whether a variable is one of those that Kubernetes gives to every pod beside a Service.

    Those of a Service named `utterson` begin like ours: `UTTERSON_SERVICE_HOST`, `UTTERSON_PORT_50051_TCP`, …; of one
    named `utterson-canary` likewise `UTTERSON_CANARY_SERVICE_HOST`. Where there is no such host there is no Service.
    """
    link = _SERVICE_LINK.fullmatch(name)
    return link is not None and f"{link['service']}_SERVICE_HOST" in names


def _no_such_variable(name: str) -> str:
    nearest = _nearest(name.upper().removeprefix(ENVIRONMENT_PREFIX).lower())
    meant = f", did you mean {ENVIRONMENT_PREFIX}{nearest.upper()}?" if nearest else ""
    told = name.encode("unicode_escape").decode("ascii")
    return f"the variable {told} names no setting{meant}"


def _nearest(name: str) -> str:
    """Give the setting whose name is most like this one; empty where none is."""
    return next(iter(get_close_matches(name, Settings.model_fields, n=1)), "")


def _describe(error: ValidationError) -> str:
    """Say in one sentence what is wrong, without the values: one of them is a password."""
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            nearest = _nearest(name)
            faults.append(f"there is no setting named {name}" + (f", did you mean {nearest}?" if nearest else ""))
        else:
            said = fault["msg"].removeprefix("Value error, ")
            faults.append(f"{name}: {said}" if name else said)
    return "the settings are wrong: " + "; ".join(faults)
