"""Every setting can be found by its help: option, variable and what it is for."""

import re

import pytest
from typer.testing import CliRunner

from utterson.cli.app import app
from utterson.settings import ENVIRONMENT_PREFIX, Settings


@pytest.fixture(scope="module")
def help_text() -> str:
    result = CliRunner().invoke(app, ["serve", "--help"])
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("name", Settings.model_fields)
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
