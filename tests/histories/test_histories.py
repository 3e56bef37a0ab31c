"""A short round of recorded histories and a few small ones; `make faults` runs longer ones."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.agreement.mismatch import MismatchError
from tests.embedded.processes import NEEDS_PROC
from tests.histories.black_box import Called, SmallHistory, build_porcupine, judged
from tests.histories.fleet import Fleet, opened_fleet
from tests.histories.rounds import Round
from tests.model.records import Call
from tests.simulation.clients import Clients, Told

pytestmark = NEEDS_PROC


@pytest.fixture(scope="module")
async def fleet() -> AsyncIterator[Fleet]:
    async with opened_fleet() as opened:
        yield opened


async def test_a_round_keeps_every_promise(fleet: Fleet) -> None:
    figures = await Round.with_faults(fleet, 1).run(5)
    print(figures)
    assert figures.faults.total() >= 1


async def test_a_wrong_answer_is_noticed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Clients.make

    async def misheard(self: Clients, workspace: str, call: Call) -> Told:
        told = await make(self, workspace, call)
        if told.resolution is not None and told.writes:
            told.resolution.known = not told.resolution.known
        return told

    monkeypatch.setattr(Clients, "make", misheard)
    with pytest.raises(MismatchError, match="known"):
        await Round.with_faults(fleet, 2, every_s=60).run(1)


@pytest.fixture(scope="module")
def porcupine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = build_porcupine(tmp_path_factory.mktemp("porcupine"))
    if program is None:
        pytest.skip("go is not installed, or `go mod download` was not run in tests/histories/porcupine")
    return program


async def test_porcupine_finds_an_order(fleet: Fleet, porcupine: Path, tmp_path: Path) -> None:
    files = []
    for seed in range(4):
        history = SmallHistory(fleet, seed)
        await history.run()
        assert len(history.calls) > 100
        files.append(history.save(tmp_path))
    assert set(judged(porcupine, files).values()) == {"Ok"}


def test_porcupine_finds_none_where_there_is_none(porcupine: Path, tmp_path: Path) -> None:
    created = Called(client=0, began=0, ended=2, search=False, identifiers=["d1"], outcome="CREATED", profile=7)
    missed = Called(client=1, began=1, ended=4, search=True, identifiers=["d1"], outcome="NO_MATCH")
    files = []
    for name, began in (("meanwhile", 1), ("afterwards", 3)):
        files.append(tmp_path / name)
        files[-1].write_text(json.dumps([asdict(created), asdict(missed) | {"began": began}]))
    assert list(judged(porcupine, files).values()) == ["Ok", "Illegal"]
