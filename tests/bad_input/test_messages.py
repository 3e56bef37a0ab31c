"""Messages that are faulty as a whole: sizes, bytes that are no message, nesting without end."""

import os
import random

import grpc
import pytest

from tests.bad_input.calls import GOOD, identify, invalid
from tests.bad_input.refusals import CANARY, status_of
from tests.bad_input.target import ISOLATION, METHODS, Target, neighbours
from utterson.v1 import identity_service_pb2 as pb

MALFORMED = invalid("", reason="MALFORMED_REQUEST")
CALLS = invalid("calls")
RECEIVE_BYTES_MAX = 32 * 1024 * 1024
GARBAGE = {
    "garbage": b"\xff\xff\xff\xff" + CANARY.encode(),
    "cut off": identify().identify.SerializeToString()[:-1],
    "a length beyond the end": b"\x12\xff\xff\xff\xff\x0f",
    "a group that never ends": b"\x0b" * 200,
    "field number 0": b"\x00\x00",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("kind", METHODS)
async def test_bytes_that_are_no_request(target: Target, kind: str, garbage: bytes) -> None:
    MALFORMED.check(await target.unary(kind, garbage))


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_bytes_that_are_no_batch(target: Target, garbage: bytes) -> None:
    MALFORMED.check(await target.refused("IdentityService", "BatchResolve", garbage))


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_bytes_that_are_no_call_of_a_batch(target: Target, garbage: bytes) -> None:
    """The others of the batch are answered all the same."""
    before, after = (call.SerializeToString() for call in neighbours(ISOLATION))
    outer = pb.BatchResolveRequest(workspace=ISOLATION).SerializeToString()
    parts = [_field(2, part) for part in (before, garbage, after)]
    results = await target.batch(outer + b"".join(parts))
    assert [result.WhichOneof("result") for result in results] == ["resolution", "error", "resolution"]
    MALFORMED.check(results[1].error)


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_bytes_that_are_no_message_of_a_stream(target: Target, garbage: bytes) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await target.stream([garbage])
    MALFORMED.check(status_of(caught.value))


async def test_random_bytes_are_refused_or_answered_never_a_bug(target: Target) -> None:
    """Whatever the bytes, the answer is a refusal with a reason; nothing hangs and nothing breaks."""
    chance = random.Random(7)
    codes: set[grpc.StatusCode] = set()
    good = identify(validate_only=True).identify.SerializeToString()
    for _ in range(300):
        request = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            request[chance.randrange(len(request))] = chance.randrange(256)
        # A change of a flag's byte may make the call write: the id makes it no better, so leave those out.
        if b"\x30\x01" not in request:
            continue
        try:
            await target.send("IdentityService", "Identify", bytes(request))
        except grpc.aio.AioRpcError as error:
            codes.add(error.code())
    assert codes <= {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    assert len(codes) > 0


@pytest.mark.parametrize("count", [0, 1001])
async def test_batches_of_a_wrong_size(target: Target, count: int) -> None:
    calls = [identify()] * count
    batch = pb.BatchResolveRequest(workspace=ISOLATION, calls=calls)
    CALLS.check(await target.refused("IdentityService", "BatchResolve", batch.SerializeToString()))
    message = pb.StreamResolveRequest(workspace=ISOLATION, calls=calls)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await target.stream([message.SerializeToString()])
    CALLS.check(status_of(caught.value))


async def test_a_call_of_no_kind(target: Target) -> None:
    before, after = neighbours(ISOLATION)
    batch = pb.BatchResolveRequest(workspace=ISOLATION, calls=[before, pb.Call(), after])
    results = await target.batch(batch.SerializeToString())
    invalid("call").check(results[1].error)
    assert results[2].HasField("resolution")


async def test_a_call_without_a_workspace(target: Target) -> None:
    call = pb.Call(identify=pb.IdentifyRequest(identifiers=GOOD))
    invalid("workspace").check(await target.unary("identify", call.identify.SerializeToString()))
    results = await target.batch(pb.BatchResolveRequest(calls=[call]).SerializeToString())
    invalid("workspace").check(results[0].error)


@pytest.mark.parametrize("depth", [30, 60, 5_000])
async def test_nesting_without_end(target: Target, depth: int) -> None:
    """A Struct in a Struct in a Struct, past what any parser takes."""
    value = b"\x1a\x01x"
    for _ in range(depth):
        value = _field(6, _field(1, value))
    traits = _field(9, _field(1, _field(1, b"age") + _field(2, value)))
    request = pb.IdentifyRequest(workspace=ISOLATION, identifiers=GOOD).SerializeToString() + traits
    status = await target.unary("identify", request)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert CANARY not in str(status)


async def test_a_message_that_is_too_large(target: Target) -> None:
    request = pb.IdentifyRequest(workspace=ISOLATION, identifiers=GOOD, request_id=CANARY).SerializeToString()
    large = request + _field(9, os.urandom(RECEIVE_BYTES_MAX))
    for service, method in (
        ("IdentityService", "Identify"),
        ("IdentityService", "BatchResolve"),
        ("WorkspaceService", "CreateWorkspace"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await target.send(service, method, large)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert CANARY not in (caught.value.details() or "")
    before, _ = neighbours(ISOLATION)
    await target.send("IdentityService", "Identify", before.identify.SerializeToString())


def _field(number: int, content: bytes) -> bytes:
    """Encode one length-delimited field."""
    size, encoded = len(content), bytearray([number << 3 | 2])
    while size > 127:
        encoded.append(size & 127 | 128)
        size >>= 7
    encoded.append(size)
    return bytes(encoded) + content
