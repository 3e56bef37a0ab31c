"""What SIGHUP does: settings are read again, and those that can change while the server runs are put in force."""

import logging
from collections.abc import Callable
from typing import Final

from utterson.domain.startup import StartupError
from utterson.logs import configure_logging
from utterson.settings.logging import LoggingSettings
from utterson.settings.process import Settings

logger = logging.getLogger(__name__)

# What is put in force at once; all others count from the next start.
RELOADED: Final = frozenset(LoggingSettings.model_fields)


class Reloading:
    """Reads the settings again when told to.

    Args:
        settings: those that the server started with.
        load: reads them anew; None where there is nothing to read.
    """

    def __init__(self, settings: Settings, load: Callable[[], Settings] | None) -> None:
        self._settings = settings
        self._load = load

    def reload(self) -> None:
        """Put in force what can be, and log what that is; settings that are wrong change nothing. Never raises."""
        if self._load is None:
            logger.warning("SIGHUP: there are no settings to read again")
            return
        try:
            settings = self._load()
        except StartupError as error:
            logger.warning("SIGHUP: everything stays as it is: %s", error)
            return
        told = f"SIGHUP: settings are read again: log_level {settings.log_level.value}"
        changed = [
            name
            for name in Settings.model_fields
            if name not in RELOADED and getattr(settings, name) != getattr(self._settings, name)
        ]
        if changed:
            told += f"; these have changed and count from the next start: {', '.join(changed)}"
        # Before, in case that only errors are logged afterwards; or afterwards, if only they were before.
        was_silent = not logger.isEnabledFor(logging.WARNING)
        logger.warning(told)
        configure_logging(settings.log_level, settings.log_format)
        if was_silent:
            logger.warning(told)
