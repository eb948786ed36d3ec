import asyncio
import importlib.util
import resource
from typing import Any

import pytest
import uvloop

from gateway.cli.starting import _allow_many_sockets, _fast_loop


def test_as_many_sockets_are_allowed_as_the_system_lets() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1_000, before[1]), before[1]))
    try:
        _allow_many_sockets()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_loop_is_uvloops_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        assert isinstance(runner.get_loop(), uvloop.Loop)
    missing: Any = lambda _: None  # noqa: E731 - as the import system says it
    monkeypatch.setattr(importlib.util, "find_spec", missing)
    assert _fast_loop() is None
