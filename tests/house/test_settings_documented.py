"""Every setting can be found by its help: option, variable and what it is for."""

import re

import pytest
from typer.testing import CliRunner

from utterson.cli.app import app
from utterson.settings.failpoints import FailpointSettings
from utterson.settings.process import ENVIRONMENT_PREFIX, Settings


@pytest.fixture(scope="module")
def help_text() -> str:
    result = CliRunner().invoke(app, ["serve", "--help"])
    assert result.exit_code == 0
    return result.output


# Those for tests are left out of the help: tests/unit/test_settings.py holds that they are, and that they work.
SHOWN = [name for name in Settings.model_fields if name not in FailpointSettings.model_fields]


@pytest.mark.parametrize("name", SHOWN)
def test_a_setting_is_documented(help_text: str, name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    (option,) = [
        " ".join(option.split()).replace("- ", "-")
        for option in re.split(r"\n +--", help_text)
        if option.startswith(f"{name.replace('_', '-')} ")
    ]
    assert description.replace("- ", "-") in option
    assert f"[env: {ENVIRONMENT_PREFIX}{name.upper()}]" in option
