"""Looks at the heads of busy workspaces, so that local answers stay fresh and catching up is short.

Polling instead of NOTIFY, which would make all commits of the database cluster wait for one another.
"""

import asyncio
from contextlib import suppress

from utterson.application.lane.context import LaneContext
from utterson.application.lane.lanes import Lanes
from utterson.domain.chain import StoreFailureError

# A workspace without calls for this long is left alone.
BUSY_S = 10.0
# How often it is asked which database this is: what was written since the last time might be lost unnoticed.
LOOK_EVERY_S = 1.0
FAILURE_PAUSE_S = 1.0


async def poll_heads(lanes: Lanes, context: LaneContext) -> None:
    """Poll until cancelled; one query for all busy workspaces that were not confirmed by their own calls."""
    pause_s = context.limits.head_poll_ms / 1000
    looked_at_s = 0.0
    while True:
        await asyncio.sleep(pause_s)
        asked_at_s = asyncio.get_running_loop().time()
        if asked_at_s - looked_at_s >= LOOK_EVERY_S:
            looked_at_s = asked_at_s
            with suppress(StoreFailureError):
                await context.store.identity.look()
        polled = [
            lane
            for lane in lanes.open_lanes
            if asked_at_s - lane.used_at_s < BUSY_S and asked_at_s - lane.confirmed_at_s >= pause_s
        ]
        if not polled:
            continue
        try:
            asked = [lane.keys for lane in polled]
            heads = await context.store.log.heads(asked)
        except StoreFailureError:
            await asyncio.sleep(FAILURE_PAUSE_S)
            continue
        for lane, keys in zip(polled, asked, strict=True):
            head = heads.get(keys)
            state = lane.state
            if head is None or state is None:
                continue
            if head == state.head:
                lane.note_confirmed(asked_at_s)
            else:
                # Behind, or ahead by a commit that was on its way: the lane finds out in its own turn.
                lane.note_entry(head.seq)
