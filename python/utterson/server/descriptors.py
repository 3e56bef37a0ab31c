"""The API's own descriptors, with field rules and comments, apart from what the generated code registers.

The generated code carries neither (`proto/generate.py` says why), so validation and reflection read the committed
descriptor set.
"""

from functools import cache
from importlib.resources import files

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

PACKAGE = "utterson.v1"


@cache
def descriptor_set() -> FileDescriptorSet:
    """Read the committed descriptor set: every file of the API and all that they import, imports first."""
    return FileDescriptorSet.FromString(files("utterson.v1").joinpath("descriptors.binpb").read_bytes())


@cache
def descriptor_pool() -> DescriptorPool:
    """Build a pool of the descriptor set alone."""
    pool = DescriptorPool()
    for file in descriptor_set().file:
        pool.Add(file)
    return pool


def services() -> list[ServiceDescriptor]:
    """Tell the services of the API, in the order of their files."""
    pool = descriptor_pool()
    return [
        pool.FindServiceByName(f"{file.package}.{service.name}")
        for file in descriptor_set().file
        if file.package == PACKAGE
        for service in file.service
    ]
