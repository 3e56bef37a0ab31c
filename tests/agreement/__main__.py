"""`python -m tests.agreement --calls 1000000 --seed N --through core|server [--jobs 2]`."""

from __future__ import annotations

import sys

from tests.agreement.command import main

sys.exit(main(sys.argv[1:]))
