"""`make run` from a fresh copy of the build files: tiny locks, tiny wheels and a stand-in for the gateway."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What Debian's python3 does without python3-venv: the folder is begun, then it fails.
NO_ENSUREPIP = """
case "$*" in
    "-m venv --without-pip "*) ;;
    "-m venv "*) mkdir -p "$3/bin"; echo "ensurepip is not available" >&2; exit 1;;
esac
"""
NO_PIP = NO_ENSUREPIP + 'case "$*" in "-m pip "*) echo "No module named pip" >&2; exit 1;; esac\n'
# The build is killed, with its environment half made.
KILLED = NO_ENSUREPIP + 'case "$*" in "-m pip --python "*) kill -9 $PPID; exit 1;; esac\n'
TOO_OLD = 'case "$*" in *version_info*) exit 1;; esac\n'

Make = Callable[..., subprocess.CompletedProcess[str]]


class Tree:
    """A checkout with nothing in it but what `make run` needs."""

    def __init__(self, root: Path) -> None:
        self.root = root / "checkout"
        self.wheels = root / "wheels"
        self.venv = self.root / ".venv"
        shutil.copytree(ROOT / ".ci", self.root / ".ci")
        shutil.copy(ROOT / "Makefile", self.root)
        (self.root / "gateway").mkdir()
        (self.root / "gateway" / "__init__.py").touch()
        (self.root / "gateway" / "__main__.py").write_text("import sys\nprint('gateway', *sys.argv[1:])\n")
        self.wheels.mkdir()
        self.lock("run.lock", "tiny_one")
        self.lock("embedded.lock")
        self.lock("dev.lock", "tiny_one", "tiny_dev")

    def lock(self, name: str, *packages: str) -> None:
        (self.root / name).write_text("# a comment\n" + "".join(self._entry(package) for package in packages))

    def _entry(self, package: str) -> str:
        wheel = self.wheels / f"{package}-1.0-py3-none-any.whl"
        info = f"{package}-1.0.dist-info"
        files = {
            f"{package}.py": "",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{package}-script = {package}:main\n",
        }
        record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in files.items())
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        return f"{package}==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"

    def python(self, habits: str) -> Path:
        """A python3 that behaves badly in one way and is the real one otherwise."""
        real = os.path.realpath(sys.executable)
        wrapper = self.root.parent / f"python-{hashlib.sha256(habits.encode()).hexdigest()[:8]}"
        wrapper.write_text(f'#!/bin/sh\n{habits}\nexec "{real}" "$@"\n')
        wrapper.chmod(0o755)
        return wrapper

    def make(self, *words: str, habits: str = NO_ENSUREPIP) -> subprocess.CompletedProcess[str]:
        inherited = ("PATH", "HOME", "LANG", "TMPDIR")
        environ = {name: os.environ[name] for name in inherited if name in os.environ}
        environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        command = ["make", "--no-print-directory", *words, f"PYTHON={self.python(habits)}"]
        return subprocess.run(
            command, cwd=self.root, env=environ, capture_output=True, text=True, timeout=120, check=False
        )

    def has(self, module: str) -> bool:
        command = [str(self.venv / "bin" / "python"), "-I", "-c", f"import {module}"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def folders(self) -> set[str]:
        return {entry.name for entry in self.root.glob(".venv*")}


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_run_builds_the_environment_once_and_starts_the_gateway(tree: Tree) -> None:
    first = tree.make("run", habits="")
    assert (first.returncode, first.stdout) == (0, "gateway up\n"), first.stderr
    assert "Building .venv" in first.stderr
    assert tree.has("tiny_one")
    assert not tree.has("tiny_dev")
    assert tree.folders() == {".venv"}
    script = (tree.venv / "bin" / "tiny_one-script").read_text()
    assert script.startswith(f"#!{tree.venv}/bin/python"), "scripts must name the place the environment was moved to"
    shutil.rmtree(tree.wheels)
    second = tree.make("run", habits="")
    assert (second.returncode, second.stdout, second.stderr) == (0, "gateway up\n", "")
    own = subprocess.run([tree.venv / "bin" / "openwb-gateway", "x"], cwd="/", capture_output=True, check=True)
    assert own.stdout == b"gateway x\n"


def test_a_killed_build_is_not_taken_for_good(tree: Tree) -> None:
    assert tree.make("run", habits=KILLED).returncode != 0
    assert not tree.venv.exists()
    assert len(tree.folders()) == 1, "the half-built one is left behind by the kill"
    assert tree.make("run").stdout == "gateway up\n"
    assert tree.folders() == {".venv"}


def test_an_environment_without_stamp_is_built_anew(tree: Tree) -> None:
    (tree.venv / "bin").mkdir(parents=True)
    (tree.venv / "bin" / "python").symlink_to(sys.executable)
    assert tree.make("run").stdout == "gateway up\n"
    assert tree.has("tiny_one")


def test_a_changed_lock_builds_anew_and_a_failure_keeps_the_old_one(tree: Tree) -> None:
    assert tree.make("run").returncode == 0
    good = (tree.root / "run.lock").read_text()
    (tree.root / "run.lock").write_text(good.replace("sha256:", "sha256:0")[:-2] + "\n")
    broken = tree.make("run")
    assert broken.returncode != 0
    assert broken.stdout == ""
    assert "run.lock could not be installed" in broken.stderr
    assert tree.has("tiny_one")
    assert tree.folders() == {".venv"}
    tree.lock("run.lock", "tiny_one", "tiny_two")
    assert "Building .venv" in tree.make("run").stderr
    assert tree.has("tiny_two")


def test_an_embedded_part_without_wheel_is_one_line(tree: Tree) -> None:
    tree.lock("embedded.lock", "tiny_store", "tiny_broker")
    (tree.wheels / "tiny_store-1.0-py3-none-any.whl").unlink()
    made = tree.make("run")
    assert (made.returncode, made.stdout) == (0, "gateway up\n")
    told = made.stderr.splitlines()
    assert len(told) == 2, made.stderr
    assert told[1].startswith("Not installed, no fitting wheel: tiny_store (")
    assert tree.has("tiny_broker")
    assert tree.make("run").stderr == "", "not tried again at each start"


@pytest.mark.parametrize(
    ("habits", "told"),
    [(NO_PIP, "apt-get install python3-venv"), (TOO_OLD, "is missing or older than 3.11")],
)
def test_what_is_missing_is_said_in_one_line(tree: Tree, habits: str, told: str) -> None:
    made = tree.make("run", habits=habits)
    assert made.returncode != 0
    assert [line for line in made.stderr.splitlines() if told in line]
    assert "Traceback" not in made.stderr
    assert tree.folders() == set()


def test_the_tools_are_added_to_the_same_environment(tree: Tree) -> None:
    assert tree.make("run").returncode == 0
    command = [str(tree.root / ".ci" / "venv"), "dev"]
    environ = dict(
        os.environ, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tree.wheels), PYTHON=str(tree.python(NO_ENSUREPIP))
    )
    added = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert added.stderr == "Adding the tools of dev.lock to .venv.\n"
    assert tree.has("tiny_dev")
    again = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert again.stderr == ""
    assert tree.make("run").stderr == ""


def test_ctrl_c_reaches_the_gateway_and_make_says_nothing(tree: Tree) -> None:
    assert tree.make("run").returncode == 0
    (tree.root / "gateway" / "__main__.py").write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = ["make", "run", f"PYTHON={tree.python(NO_ENSUREPIP)}"]
    with subprocess.Popen(
        command, cwd=tree.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        os.killpg(running.pid, signal.SIGINT)  # what a terminal does
        told = running.communicate(timeout=20)
    assert told == ("", "")


def test_plain_make_lists_the_commands(tree: Tree) -> None:
    listed = [line.split()[0] for line in tree.make().stdout.splitlines()]
    assert listed == ["help", "run", "test", "check", "bench", "lock", "clean"]


def test_locks_out_of_step_are_named(tree: Tree) -> None:
    for name in ("pyproject.toml", "run.lock", "embedded.lock", "dev.lock"):
        shutil.copy(ROOT / name, tree.root)
    command = [sys.executable, str(tree.root / ".ci" / "locks.py"), "check"]
    assert subprocess.run(command, check=False).returncode == 0
    project = tree.root / "pyproject.toml"
    project.write_text(project.read_text().replace('"click>=8.5,<9"', '"click>=8.6,<9"'))
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "run.lock is not in step" in told.stderr
