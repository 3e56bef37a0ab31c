"""A front whose thread has ended ends the process, with a sentence that says so."""

import asyncio
from typing import Any, ClassVar

import pytest

from utterson import main
from utterson.domain.startup import BrokenError
from utterson.engine.front import Front
from utterson.settings.process import Settings


class Breakable:
    """The real front, whose thread can be ended behind the server's back."""

    made: ClassVar["list[Breakable]"] = []

    def __init__(self, **settings: Any) -> None:
        self._front = Front(**settings)
        self.made.append(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._front, name)


async def test_the_process_ends_when_its_front_does(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setattr(main, "Front", Breakable)
    settings = Settings.model_validate({"listen": "127.0.0.1:0", "database_url": database_url})
    serving = asyncio.create_task(main.serve(settings))
    while not Breakable.made or Breakable.made[0].port == 0:
        await asyncio.sleep(0.05)
        assert not serving.done()
    await asyncio.sleep(0.2)
    assert not serving.done()
    await asyncio.to_thread(Breakable.made[0].stop, 0)
    with pytest.raises(BrokenError, match="the front has ended"):
        await asyncio.wait_for(serving, 10)
