"""The committed code is what `proto/generate.py` makes of the protos; a caller needs no `buf` package for it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = REPOSITORY / "python"
FOLDERS = ("utterson/v1", "utterson/internal")
ROOTS = ("proto", "proto_internal")


def files_below(root: Path) -> dict[str, bytes]:
    """Read all generated files below a folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in FOLDERS
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_generated_code_is_current(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate", REPOSITORY / "proto/generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.generate(tmp_path)
    committed, generated = files_below(PYTHON), files_below(tmp_path)
    assert sorted(committed) == sorted(generated)
    differing = [name for name, content in generated.items() if content != committed[name]]
    assert differing == [], "run `make proto`"


def test_every_proto_is_generated() -> None:
    for root in (REPOSITORY / name for name in ROOTS):
        for proto in root.rglob("*.proto"):
            name = proto.relative_to(root).with_suffix("").as_posix()
            assert (PYTHON / f"{name}_pb2.py").is_file()


def test_a_caller_gets_no_field_rules() -> None:
    program = (
        "import sys\n"
        "from google.protobuf import descriptor_pool\n"
        "from utterson.v1 import identity_service_pb2_grpc, profile_service_pb2_grpc, workspace_service_pb2_grpc\n"
        "assert not any(name.split('.')[0] in {'buf', 'protovalidate'} for name in sys.modules)\n"
        "try:\n"
        "    descriptor_pool.Default().FindFileByName('buf/validate/validate.proto')\n"
        "except KeyError:\n"
        "    print('none')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PYTHON,
    )
    assert result.stdout == "none\n"


def test_the_descriptor_set_holds_the_api_with_comments_and_nothing_internal() -> None:
    files = FileDescriptorSet.FromString((PYTHON / "utterson/v1/descriptors.binpb").read_bytes()).file
    names = {file.name for file in files}
    assert not any("internal" in name for name in names)
    assert {f"utterson/v1/{path.name}" for path in (REPOSITORY / "proto/utterson/v1").glob("*.proto")} <= names
    for file in files:
        assert {*file.dependency} <= names
        if file.package == "utterson.v1":
            assert any(location.leading_comments for location in file.source_code_info.location)
