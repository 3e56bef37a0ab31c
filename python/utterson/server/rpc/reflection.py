"""What reflection is answered from: the API's descriptors with comments, and names down to single methods.

protobuf's own pool finds no method by name and drops the comments.
"""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from utterson.server.descriptors import descriptor_set


class CommentedFile:
    """One file, with as much of a FileDescriptor as the reflection servicer uses."""

    def __init__(self, proto: FileDescriptorProto, files: dict[str, "CommentedFile"]) -> None:
        self._proto = proto
        self._files = files

    @property
    def name(self) -> str:
        """The file's path."""
        return self._proto.name

    @property
    def dependencies(self) -> list["CommentedFile"]:
        """The files that this one imports."""
        return [self._files[name] for name in self._proto.dependency]

    def CopyToProto(self, proto: FileDescriptorProto) -> None:  # noqa: N802 (protobuf's name)
        """Copy the file, comments included."""
        proto.CopyFrom(self._proto)


class ReflectionPool:
    """As much of a DescriptorPool as the reflection servicer uses; a name that is not there is a KeyError."""

    def __init__(self) -> None:
        self._pool = DescriptorPool()
        self._files: dict[str, CommentedFile] = {}
        self._file_by_symbol: dict[str, CommentedFile] = {}
        for proto in (*descriptor_set().file, *_files_of_others()):
            self._pool.Add(proto)
            file = CommentedFile(proto, self._files)
            self._files[proto.name] = file
            self._file_by_symbol.update(dict.fromkeys(_symbols(proto), file))

    def FindFileByName(self, file_name: str) -> CommentedFile:  # noqa: N802 (protobuf's name)
        """Find a file by its path."""
        return self._files[file_name]

    def FindFileContainingSymbol(self, symbol: str) -> CommentedFile:  # noqa: N802 (protobuf's name)
        """Find the file that defines a full name of any kind."""
        return self._file_by_symbol[symbol]

    def FindMessageTypeByName(self, full_name: str) -> Descriptor:  # noqa: N802 (protobuf's name)
        """Find a message."""
        return self._pool.FindMessageTypeByName(full_name)

    def FindExtensionByNumber(self, message: Descriptor, number: int) -> FieldDescriptor:  # noqa: N802
        """Find an extension of a message."""
        return self._pool.FindExtensionByNumber(message, number)

    def FindAllExtensions(self, message: Descriptor) -> list[FieldDescriptor]:  # noqa: N802
        """Find all extensions of a message."""
        return self._pool.FindAllExtensions(message)


def _files_of_others() -> Iterator[FileDescriptorProto]:
    # With the error details, so that grpcurl can show what a refusal carries.
    for descriptor in (health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR):
        proto = FileDescriptorProto()
        descriptor.CopyToProto(proto)
        yield proto


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    """Tell every full name that a file defines."""
    prefix = f"{file.package}." if file.package else ""
    for service in file.service:
        yield f"{prefix}{service.name}"
        for method in service.method:
            yield f"{prefix}{service.name}.{method.name}"
    for extension in file.extension:
        yield f"{prefix}{extension.name}"
    for enum in file.enum_type:
        yield from _enum_symbols(prefix, enum)
    for message in file.message_type:
        yield from _message_symbols(prefix, message)


def _message_symbols(prefix: str, message: DescriptorProto) -> Iterator[str]:
    name = f"{prefix}{message.name}"
    yield name
    for field in (*message.field, *message.extension):
        yield f"{name}.{field.name}"
    for oneof in message.oneof_decl:
        yield f"{name}.{oneof.name}"
    for enum in message.enum_type:
        yield from _enum_symbols(f"{name}.", enum)
    for nested in message.nested_type:
        yield from _message_symbols(f"{name}.", nested)


def _enum_symbols(prefix: str, enum: EnumDescriptorProto) -> Iterator[str]:
    """Tell an enum and its values; these belong to the scope around the enum."""
    yield f"{prefix}{enum.name}"
    for value in enum.value:
        yield f"{prefix}{value.name}"
