"""The client's own distribution, installed alone: it needs gRPC and protobuf, and calls a server."""

import asyncio
import json
import zipfile
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.packaging.fresh import FreshEnvironment, build_client
from utterson.main import running
from utterson.settings.process import Settings

# The two that it is made for, Google's messages that the API's own messages import, and what grpcio asks for.
NEEDED = {"grpcio", "protobuf", "googleapis-common-protos", "typing-extensions"}
OF_THE_PACKAGE = {"utterson", "utterson.client", "utterson.v1"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_client(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    environment = FreshEnvironment(tmp_path_factory.mktemp("alone"))
    assert environment.install(wheel) == NEEDED
    return environment


def test_the_wheel_holds_the_client_and_the_messages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folders = {Path(name).parts[:2] for name in archive.namelist() if not name.startswith("utterson_client-")}
    assert folders == {
        ("utterson", "__init__.py"),
        ("utterson", "client"),
        ("utterson", "py.typed"),
        ("utterson", "v1"),
    }


async def test_it_calls_a_server(installed: FreshEnvironment, database_url: str) -> None:
    settings = Settings(listen="127.0.0.1:0", database_url=SecretStr(database_url))
    script = Path(__file__).with_name("calling.py")
    async with running(settings) as server:
        told = json.loads(await asyncio.to_thread(installed.run, str(script), f"127.0.0.1:{server.port}"))
    modules = told.pop("imported_modules")
    assert told["refused"].startswith("NOT_FOUND (NO_MATCH): ")
    assert {**told, "refused": ""} == {
        "outcome": "OUTCOME_CREATED",
        "name": "Edward",
        "imported": 1,
        "revisions": 1,
        "refused": "",
    }
    rooms = {".".join(name.split(".")[:2]) for name in modules if name.split(".")[0] == "utterson"}
    assert rooms == OF_THE_PACKAGE


def test_it_brings_no_server(installed: FreshEnvironment) -> None:
    find = "import importlib.util as u; print([n for n in ('utterson.main', 'asyncpg') if u.find_spec(n)])"
    assert installed.run("-c", find) == "[]\n"
    assert not (installed.python.parent / "utterson").exists()
