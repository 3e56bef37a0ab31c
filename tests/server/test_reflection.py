"""Reflection: names down to methods, with comments; on only where asked for."""

import asyncio
import shutil
import subprocess
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.server.conftest import Running
from tests.server.test_server import server_at
from utterson.server.rpc.server import SERVICES


async def ask(running: Running, **request: Any) -> Any:
    """Ask one question."""
    stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=10)
    return await call.read()


async def test_services_are_listed(running: Running) -> None:
    answer = await ask(running, list_services="*")
    names = {service.name for service in answer.list_services_response.service}
    assert names == {*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


@pytest.mark.parametrize(
    ("symbol", "file_name", "comment"),
    [
        ("utterson.v1.IdentityService", "identity_service", "Resolves identifiers to profiles."),
        ("utterson.v1.IdentityService.Identify", "identity_service", "Who is this?"),
        ("utterson.v1.WorkspaceService.ImportProfiles", "workspace_service", "Takes over an existing graph"),
        ("utterson.v1.Identifier", "identifier", "One identifier of a person"),
        ("utterson.v1.Identifier.value", "identifier", "The value as the caller knows it"),
        ("utterson.v1.DISPOSITION_DEMOTED", "identifier", "Taken off the call by a limit"),
        ("utterson.v1.Call.call", "identity_service", "The call."),
    ],
)
async def test_a_symbol_of_any_kind_is_found_with_comments(
    running: Running, symbol: str, file_name: str, comment: str
) -> None:
    answer = await ask(running, file_containing_symbol=symbol)
    protos = [FileDescriptorProto.FromString(data) for data in answer.file_descriptor_response.file_descriptor_proto]
    assert protos[0].name == f"utterson/v1/{file_name}.proto"
    comments = [location.leading_comments for location in protos[0].source_code_info.location]
    assert any(comment in text for text in comments)
    names = {proto.name for proto in protos}
    assert all(dependency in names for proto in protos for dependency in proto.dependency)


@pytest.mark.parametrize("kind", ["ErrorInfo", "BadRequest", "PreconditionFailure", "RetryInfo"])
async def test_what_a_refusal_carries_is_described(running: Running, kind: str) -> None:
    answer = await ask(running, file_containing_symbol=f"google.rpc.{kind}")
    (proto, *_) = answer.file_descriptor_response.file_descriptor_proto
    assert FileDescriptorProto.FromString(proto).name == "google/rpc/error_details.proto"


@pytest.mark.parametrize("symbol", ["utterson.v1.Nobody", "utterson.v1.IdentityService.Vanish", "utterson"])
async def test_an_unknown_symbol_is_not_found(running: Running, symbol: str) -> None:
    answer = await ask(running, file_containing_symbol=symbol)
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_the_field_rules_are_found_by_number(running: Running) -> None:
    extension = reflection_pb2.ExtensionRequest(containing_type="google.protobuf.FieldOptions", extension_number=1159)
    answer = await ask(running, file_containing_extension=extension)
    first = FileDescriptorProto.FromString(answer.file_descriptor_response.file_descriptor_proto[0])
    assert first.name == "buf/validate/validate.proto"


async def test_reflection_is_off_unless_asked_for() -> None:
    handle = server_at("127.0.0.1:0", reflection=False)
    await handle.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{handle.port}") as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="*")]))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call.read()
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        await handle.stop(0)


GRPCURL = shutil.which("grpcurl")


@pytest.mark.skipif(GRPCURL is None, reason="grpcurl is not installed")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["list"], ["utterson.v1.IdentityService", "utterson.v1.ProfileService", "utterson.v1.WorkspaceService"]),
        (["list", "utterson.v1.ProfileService"], ["utterson.v1.ProfileService.ListHistory"]),
        (["describe", "utterson.v1.IdentityService"], ["// Who is this?", "rpc Identify"]),
        (["describe", "utterson.v1.IdentityService.Login"], ["// A person logs in", "rpc Login"]),
        (["describe", "utterson.v1.Policy"], ["// The identifier types, highest priority first.", "identifier_types"]),
        (["describe", "utterson.v1.Identifier.type"], ["// The identifier type", "string type = 1"]),
        (["describe", "grpc.health.v1.Health.Check"], ["rpc Check"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
async def test_grpcurl(running: Running, arguments: list[str], expected: list[str]) -> None:
    assert GRPCURL is not None
    command = [GRPCURL, "-plaintext", running.address, *arguments]
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 0, result.stderr
    for text in expected:
        assert text in result.stdout
