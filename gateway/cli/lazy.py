"""Commands that are imported when they are called: each pays for its own libraries, and for nobody else's."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose command ``name`` is the attribute ``name`` of ``room.name``, or the other name in ``modules``.

    ``lines`` has each command and its line in the list, so that the list needs no import; a test holds it to what the
    command says of itself.
    """

    def __init__(
        self, *given: Any, room: str, lines: Mapping[str, str], modules: Mapping[str, str] | None = None, **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._modules = modules or {}
        self.lines = lines
        self._room = room

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(self.lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in self.lines:
            return None
        name = self._modules.get(cmd_name, cmd_name)
        command = getattr(import_module(f"{self._room}.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lines.items()))
