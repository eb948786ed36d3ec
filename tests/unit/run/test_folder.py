"""The data folder, with real files, rights and disks. /proc is a disk on which nothing is ever free."""

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.domain.errors import SettingsError, Unavailable
from gateway.run.folder import check_space, free_bytes, own_folder, unfit

NOBODY = 65_534


@contextmanager
def nobody() -> Iterator[None]:
    """As a user without rights; who runs the tests without any is one already."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if me == 0:
            os.seteuid(me)


def test_it_is_private_and_holds_nothing_but_the_lock(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with own_folder(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {file.name: file.read_text() for file in folder.iterdir()} == {"gateway.lock": str(os.getpid())}


def test_a_second_one_is_told_who_is_there_until_that_is_gone(tmp_path: Path) -> None:
    with own_folder(tmp_path), pytest.raises(SettingsError) as refused, own_folder(tmp_path):
        pass
    assert refused.value.message == (
        f"GATEWAY_DATA_DIR: another gateway (process {os.getpid()}) uses {tmp_path}; stop it or name another folder"
    )
    with own_folder(tmp_path):
        pass


def test_who_has_not_written_its_number_yet_is_another_gateway_all_the_same(tmp_path: Path) -> None:
    with own_folder(tmp_path):
        (tmp_path / "gateway.lock").write_text("")
        with pytest.raises(SettingsError, match=r": another gateway uses "), own_folder(tmp_path):
            pass


def test_the_lock_of_a_killed_one_is_free(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys, gateway.run.folder as f\n"
        "with f.own_folder(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert ended.returncode == -signal.SIGKILL
    with own_folder(tmp_path):
        pass


def test_without_rights_it_says_whose_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with nobody(), pytest.raises(SettingsError) as refused, own_folder(tmp_path / "data"):
        pass
    assert refused.value.message.startswith(f"GATEWAY_DATA_DIR: cannot write to {tmp_path}/data: Permission denied (")
    assert "give this user the folder, or name another one" in refused.value.message


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SettingsError, match=r"cannot write to .*/below: Not a directory"),
        own_folder(tmp_path / "file" / "below"),
    ):
        pass


def test_no_space(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with (
            pytest.raises(SettingsError, match=r"GATEWAY_DATA_DIR: no space is left for .*; free some"),
            own_folder(tmp_path),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_little_space_is_told_before_there_is_none(tmp_path: Path) -> None:
    check_space(tmp_path)
    assert free_bytes(Path("/proc")) == 0
    with pytest.raises(Unavailable, match=r"only 0\.0 MB are free for /proc, 8 MB are needed"):
        check_space(Path("/proc"))
    with pytest.raises(SettingsError, match=r"only 0\.0 MB are free for /proc"), own_folder(Path("/proc")):
        pass


def test_what_cannot_be_looked_at_is_named_all_the_same() -> None:
    assert "belongs to user 0" in unfit(Path("/no/such/folder"), PermissionError(13, "Permission denied"))
