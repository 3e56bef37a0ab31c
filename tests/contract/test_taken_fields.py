"""Where the front looks for a message's workspace and calls: the fields that the protos give these names."""

import pytest
from google.protobuf.descriptor import Descriptor

from utterson.domain.calls import CallKind
from utterson.engine.core_engine import CoreEngine
from utterson.server.descriptors import services
from utterson.server.front.calls import METHODS, Whole, passed_methods, taken_methods
from utterson.server.limits import REQUEST_BYTES_MAX
from utterson.server.refusals import error_status, request_too_large
from utterson.server.rpc.server import REFLECTION
from utterson.v1 import identity_service_pb2 as pb


def _number(message: Descriptor, name: str) -> int:
    field = message.fields_by_name.get(name)
    return 0 if field is None else field.number


def test_the_fields_have_the_numbers_that_the_front_is_told() -> None:
    service = pb.DESCRIPTOR.services_by_name["IdentityService"]
    assert len(METHODS) == len(service.methods)
    for (path, streams, workspace, calls), (_, kind) in zip(taken_methods(), METHODS, strict=True):
        method = service.methods_by_name[path.rpartition("/")[2]]
        assert isinstance(kind, CallKind | Whole)
        assert streams == method.client_streaming
        assert workspace == _number(method.input_type, "workspace"), path
        assert calls == _number(method.input_type, "calls"), path


def test_what_is_not_taken_is_passed_through() -> None:
    passed = dict(passed_methods([REFLECTION]))
    assert not passed["/utterson.v1.ProfileService/GetProfile"]
    assert passed["/utterson.v1.WorkspaceService/ImportProfiles"]
    assert passed["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"]
    taken = {path for path, _ in METHODS}
    every = {
        f"/{service.full_name}/{method.name}" for service in (*services(), REFLECTION) for method in service.methods
    }
    assert not taken & set(passed)
    assert taken | set(passed) == every


@pytest.mark.parametrize("size_bytes", [REQUEST_BYTES_MAX, REQUEST_BYTES_MAX + 1])
def test_the_front_refuses_a_long_request_as_the_core_does(size_bytes: int) -> None:
    # A field that the message does not have, with six bytes before its own.
    length = size_bytes - 6
    field = bytes((0x9A, 0x06, *(length >> shift & 0x7F | 0x80 for shift in (0, 7, 14)), length >> 21))
    told = CoreEngine().check_request("utterson.v1.GetWorkspaceRequest", field + bytes(length))
    if size_bytes <= REQUEST_BYTES_MAX:
        assert told is None
    else:
        assert told is not None
        assert error_status(told) == error_status(request_too_large())
