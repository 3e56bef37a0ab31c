"""All attacks by their names."""

from typing import Final

from tests.front_attacks.dear_peers import DEAR_ATTACKS
from tests.front_attacks.passed_peers import PASSED_ATTACKS
from tests.front_attacks.peers import PLAIN_ATTACKS, Attack

ATTACKS: Final[dict[str, Attack]] = PLAIN_ATTACKS | DEAR_ATTACKS | PASSED_ATTACKS
