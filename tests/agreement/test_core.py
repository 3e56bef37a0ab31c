"""The extension and the model agree on everything, whatever the policy and the calls."""

from __future__ import annotations

import pytest

from tests.agreement.command import conclude, run_all

CALLS = 20_000


def test_extension_agrees_with_model(capsys: pytest.CaptureFixture[str]) -> None:
    """Run the command's own loop; what it prints tells the failing seed, and how to repeat it."""
    code = conclude(run_all(1, CALLS, 0, 1), CALLS, "--through core", keep_going=False)
    assert code == 0, capsys.readouterr().out
