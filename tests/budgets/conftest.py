"""One watched server a file and way to listen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.budgets.bombs import WORKSPACE
from tests.budgets.watched import Watched, watched
from tests.conftest import fresh_database
from tests.listeners import FRONTS
from utterson.settings.listening import FrontChoice
from utterson.store.embedded import EmbeddedPostgres
from utterson.v1 import workspace_service_pb2 as workspaces


@pytest.fixture(scope="module", params=FRONTS, ids=lambda front: f"front-{front}")
def front(request: pytest.FixtureRequest) -> FrontChoice:
    """Both ways to listen."""
    return FrontChoice(request.param)


@pytest.fixture(scope="module")
async def server(
    postgres_cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, front: FrontChoice
) -> AsyncIterator[Watched]:
    """A watched server with one workspace."""
    folder: Path = tmp_path_factory.mktemp("watched")
    async with fresh_database(postgres_cluster) as url, watched(url, folder, front) as running:
        made = workspaces.CreateWorkspaceRequest(workspace=WORKSPACE, preset="identity_graph_rules")
        await running.send("WorkspaceService/CreateWorkspace", made.SerializeToString())
        yield running
