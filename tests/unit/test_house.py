"""The house rules that no linter knows."""

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.version import VERSION

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "dev.lock",
    "docker",
    "docs",
    "embedded.lock",
    "exports",
    "gateway",
    "nginx",
    "pyproject.toml",
    "recorder",
    "run.lock",
    "tests",
}
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 40
REASON = "# long because: "  # then why; in a file's first lines or in the function

FILES = sorted(file for room in ("gateway", "recorder") for file in (ROOT / room).rglob("*.py"))


def tracked() -> list[str]:
    """The files of the repository; without git (an unpacked archive) what lies there."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0:
        return asked.stdout.splitlines()
    return [entry.name for entry in ROOT.iterdir() if entry.name not in ("uv.lock", "dist", "data")]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    found = {name.split("/")[0] for name in tracked()}
    assert {name for name in found if not name.startswith(".")} <= TOP_LEVEL


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_are_short_or_say_why_not(file: Path) -> None:
    lines = file.read_text().splitlines()
    if len(lines) > MOST_LINES_OF_A_FILE:
        assert any(REASON in line for line in lines[:30]), f"{len(lines)} lines"
    for function in functions(ast.parse("\n".join(lines))):
        assert function.end_lineno is not None
        its_lines = lines[function.lineno - 1 : function.end_lineno]
        if len(its_lines) > MOST_LINES_OF_A_FUNCTION:
            assert any(REASON in line for line in its_lines), f"{function.name} has {len(its_lines)} lines"


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.name == "__init__.py"], ids=lambda f: str(f.relative_to(ROOT))
)
def test_packages_import_nothing_by_themselves(file: Path) -> None:
    """An import in ``__init__.py`` is paid by everybody who wants one module of the room; it also hides from whom."""
    imports = [
        node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not imports
    assert file.parent != ROOT / "gateway" or not file.read_text()


def test_the_version_is_the_same_in_both_places() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
