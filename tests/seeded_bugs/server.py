"""`python -m tests.seeded_bugs.server BUG serve …`: the server, with one bug put in."""

import sys

import pytest

from tests.seeded_bugs.bugs import BUGS
from utterson.cli import main

if __name__ == "__main__":
    name = sys.argv.pop(1)
    [bug] = [bug for bug in BUGS if bug.name == name]
    bug.patch(pytest.MonkeyPatch())
    main()
