"""Calls a server as grpcurl does: by grpcurl where it is installed, else over reflection as it would."""

import json
import shlex
import shutil
import subprocess
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


def call_as_printed(line: str) -> dict[str, Any]:
    """Run a printed grpcurl line and return its JSON answer."""
    if shutil.which("grpcurl"):
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=30)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    command, *flags, address, method = shlex.split(line)
    assert command == "grpcurl"
    assert flags[:2] == ["-plaintext", "-d"]
    return _call_by_reflection(address, method, flags[2])


def _call_by_reflection(address: str, method: str, request_json: str) -> dict[str, Any]:
    service_name, method_name = method.split("/")
    with grpc.insecure_channel(address) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        described = pool.FindServiceByName(service_name).methods_by_name[method_name]
        request = json_format.Parse(request_json, GetMessageClass(described.input_type)())
        call: grpc.UnaryUnaryMultiCallable[Message, Message] = channel.unary_unary(
            f"/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(described.output_type).FromString,
        )
        answer: dict[str, Any] = json_format.MessageToDict(call(request, timeout=10))
        return answer
