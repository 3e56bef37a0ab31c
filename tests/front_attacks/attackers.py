"""The process of those who attack: `python -m tests.front_attacks.attackers ATTACK HOST:PORT`, until it is killed."""

import asyncio
import resource
import sys

from tests.front_attacks.attacks import ATTACKS

if __name__ == "__main__":
    _, attack, address = sys.argv
    host, _, port = address.rpartition(":")
    descriptors_max = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors_max, descriptors_max))
    asyncio.run(ATTACKS[attack](host, int(port)))
