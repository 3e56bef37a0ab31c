"""What protects the commit protocol: a kit of checks, and proof that each protection taken out makes a check fail."""

import pytest

# The checks are no test modules, but their assertions should tell as much.
pytest.register_assert_rewrite("tests.safeguards.lane_checks", "tests.safeguards.writer_checks")
