"""Longer: `python -m tests.crashes --rounds 100 --seed 7`. Prints what each round met."""

import argparse
import asyncio
import random
from itertools import cycle, islice

from tests.crashes.rig import Victim, opened_rig
from utterson.domain.failpoints import FailpointBehaviour, FailpointPlace

PLACES = [place for place in FailpointPlace if place is not FailpointPlace.NONE]
# The tables are read whole after each round: a new workspace now and then keeps that short.
ROUNDS_A_WORKSPACE = 10


async def _run(rounds: int, seed: int) -> None:
    async with opened_rig() as rig:
        chance = random.Random(seed)
        between = 0
        for number, place in islice(enumerate(cycle(PLACES)), rounds):
            figures = await rig.failpoint_round(chance.getrandbits(32), place, FailpointBehaviour.KILL)
            between += figures.in_newest_entry > 0 and figures.heard_in_newest_entry == 0
            print(f"failpoint {number + 1}/{rounds} {place.value}: {figures}", flush=True)
        print(f"{between} of {rounds} crashes fell between commit and answer", flush=True)
        for begin in range(0, rounds, ROUNDS_A_WORKSPACE):
            victims = [chance.choice(list(Victim)) for _ in range(min(ROUNDS_A_WORKSPACE, rounds - begin))]
            number = begin
            async for figures in rig.random_rounds(chance.getrandbits(32), victims):
                print(f"random {number + 1}/{rounds} {victims[number - begin].value}: {figures}", flush=True)
                number += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rounds of load and kill -9, judged one by one.")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each sort")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(_run(options.rounds, options.seed))
