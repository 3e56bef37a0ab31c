"""A message costs at most three times its bytes, and what it cost is given back; nobody else waits for it."""

import grpc
import pytest

from tests.budgets.bombs import BOMBS, Bomb
from tests.budgets.watched import Watched
from tests.server.statuses import told
from utterson.server.limits import REQUEST_BYTES_MAX

# Of two bytes each.
ITEMS_WARM, ITEMS_FEW, ITEMS_MANY = 40_000, 1_000_000, 6_000_000
# What a call takes whatever it brings: buffers of gRPC, of Postgres' driver, of the allocator.
ROOM_BYTES = 16_000_000


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_takes_no_more_than_its_bytes(server: Watched, name: str) -> None:
    bomb = BOMBS[name]
    request = bomb.make(ITEMS_MANY)
    await refused(server, bomb, request)
    before = server.forget_peak()
    for _ in range(3):
        await refused(server, bomb, request)
    assert server.peak_bytes() - before <= 3 * len(request) + ROOM_BYTES
    assert server.resident_bytes() - before <= len(request) + ROOM_BYTES


@pytest.mark.parametrize("name", BOMBS)
async def test_nobody_waits_for_a_bomb(server: Watched, name: str) -> None:
    bomb = BOMBS[name]
    await refused(server, bomb, bomb.make(ITEMS_WARM))
    server.new_stalls()
    await refused(server, bomb, bomb.make(ITEMS_FEW))
    assert server.new_stalls() == []


async def refused(server: Watched, bomb: Bomb, request: bytes) -> None:
    """Send one; it must be refused for its list."""
    sent = server.upload(bomb.method, [request]) if bomb.streams else server.send(bomb.method, request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sent
    status = told(caught.value)
    fields = [violation.field for violation in status.details["BadRequest"].field_violations]
    if bomb.is_counted_in_all and len(request) > REQUEST_BYTES_MAX:
        # Its length comes first, whatever it holds.
        assert (status.reason, fields) == ("FIELD_INVALID", [""])
    else:
        assert status.reason == bomb.reason
        assert fields[0].startswith(bomb.path)
