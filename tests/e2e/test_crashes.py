"""A service that fails takes its process with it: an error, a status other than 0, and no zombie that answers 200."""

import sys
from pathlib import Path

import pytest

from tests.support.crashing_builds import CRASHES, WORDS
from tests.support.gateway import GatewayPart
from tests.support.live_client import client
from tests.support.process import accepts
from tests.support.waiting import eventually


class CrashingPart(GatewayPart):
    """Its service of that name fails when ``crash`` is called."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__("up", folder)
        script = (
            f"import os, runpy, sys; os.chdir({str(folder)!r}); sys.argv = ['gateway', {name!r}, 'up'];"
            " runpy.run_module('tests.support.crashing_builds', run_name='__main__', alter_sys=True)"
        )
        self._command = [sys.executable, "-c", script]

    def crash(self) -> None:
        (self.folder / "crash").touch()


@pytest.mark.parametrize("name", CRASHES)
async def test_a_service_that_fails_ends_the_process_with_its_error(tmp_path: Path, name: str) -> None:
    async with CrashingPart(name, tmp_path) as up:
        assert up.get("/health/live")[0] == 200
        async with client(f"ws://127.0.0.1:{up.port}/api/v1/live", token=up.log_in()) as one:
            await one.expect("hello")
            await one.expect("authenticated")
            up.crash()
            await one.closed()
        assert await up.ended() == 1
        assert WORDS in up.log
        await eventually(lambda: not accepts(up.port))
