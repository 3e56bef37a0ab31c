"""`python -m tests.failover`."""

import sys

from tests.failover.command import main

sys.exit(main())
