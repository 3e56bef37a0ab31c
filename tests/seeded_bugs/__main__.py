"""`python -m tests.seeded_bugs`."""

import sys

from tests.seeded_bugs.command import main

sys.exit(main())
