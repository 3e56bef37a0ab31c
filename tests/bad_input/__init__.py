"""Every refusal: its code, reason, domain and field path, without the value, and nothing changed."""

import pytest

pytest.register_assert_rewrite("tests.bad_input.target", "tests.bad_input.refusals")
