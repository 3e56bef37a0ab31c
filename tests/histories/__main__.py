"""`python -m tests.histories`."""

import sys

from tests.histories.command import main

sys.exit(main())
