"""Runs a grpcurl line: by grpcurl where it is installed, else over reflection, with the same words."""

import json
import shutil
import subprocess

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

TIMEOUT_S = 30


def say(words: list[str]) -> str:
    """Run a line, given in words, and tell what it prints, errors too."""
    found = shutil.which("grpcurl")
    if found is None:
        return say_by_reflection(words)
    done = subprocess.run([found, *words[1:]], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    return done.stdout + done.stderr


def say_by_reflection(words: list[str]) -> str:
    """Do the same without grpcurl."""
    rest = [word for word in words[1:] if word != "-plaintext"]
    data = "{}"
    if rest[0] == "-d":
        data, rest = rest[1], rest[2:]
    address, verb, *names = rest
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        if verb == "list":
            return "\n".join(sorted(database.get_services()))
        if verb == "describe":
            return _describe_method(database.FindFileContainingSymbol(names[0]), names[0])
        return _call(channel, DescriptorPool(database), verb, data)


def _describe_method(file: FileDescriptorProto, name: str) -> str:
    service_name, _, method_name = name.removeprefix(f"{file.package}.").partition(".")
    for service_place, service in enumerate(file.service):
        for place, method in enumerate(service.method):
            if (service.name, method.name) != (service_name, method_name):
                continue
            path = [6, service_place, 2, place]
            (comment,) = [
                location.leading_comments.strip()
                for location in file.source_code_info.location
                if location.path == path
            ]
            takes = f"stream {method.input_type}" if method.client_streaming else method.input_type
            gives = f"stream {method.output_type}" if method.server_streaming else method.output_type
            return f"// {comment}\nrpc {method.name} ( {takes} ) returns ( {gives} );"
    raise AssertionError(f"{name} is no method")


def _call(channel: grpc.Channel, pool: DescriptorPool, name: str, data: str) -> str:
    service, _, method = name.partition("/")
    described = pool.FindServiceByName(service).methods_by_name[method]
    request = json_format.Parse(data, GetMessageClass(described.input_type)())
    call: grpc.UnaryUnaryMultiCallable[Message, Message] = channel.unary_unary(
        f"/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(described.output_type).FromString,
    )
    try:
        return json.dumps(json_format.MessageToDict(call(request, timeout=TIMEOUT_S)))
    except grpc.RpcError as error:
        return _refusal(error)


def _refusal(error: grpc.RpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    code = "".join(word.capitalize() for word in error.code().name.split("_"))
    lines = [f"Code: {code}", f"Message: {status.message}"]
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            lines.append(f'"reason": "{info.reason}"')
    return "\n".join(lines)
