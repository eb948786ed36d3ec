"""The list of commands says what the commands say, and costs none of them."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from gateway.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[3]
HEAVY = ("alembic", "litestar", "sqlalchemy", "uvicorn", "redis", "aiomqtt")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_its_own(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_there_is_no_other_command() -> None:
    assert cli.get_command(click.Context(cli), "lazy") is None


@pytest.mark.parametrize(
    ("words", "without"),
    [
        (["--help"], (*HEAVY, "asyncio", "msgspec", "rich", "structlog")),
        (["watch", "--help"], HEAVY),
        (["schema", "asyncapi"], HEAVY),
    ],
)
def test_a_command_does_not_import_what_it_does_not_use(words: list[str], without: tuple[str, ...]) -> None:
    """Red when somebody imports a command's libraries where all commands begin."""
    script = f"""
import sys
from gateway.cli.main import cli
cli({words!r}, standalone_mode=False)
print(*sorted(sys.modules), file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(without) & set(ran.stderr.split())
    assert ran.stdout
