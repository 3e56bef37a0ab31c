"""Where the front looks for a message's workspace and calls: the fields that the protos give these names."""

from google.protobuf.descriptor import Descriptor

from utterson.domain.calls import CallKind
from utterson.server.front.calls import METHODS, Whole, paced_methods, taken_methods
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


def test_what_is_passed_through_and_unary_is_paced() -> None:
    paced = paced_methods()
    assert "/utterson.v1.ProfileService/GetProfile" in paced
    assert "/utterson.v1.WorkspaceService/ImportProfiles" not in paced
    assert not {path for path, _ in METHODS} & set(paced)
