"""Ports that are taken, by us and by others: real sockets, and a /proc of the test's own for what others hold."""

import errno
import os
import socket
from pathlib import Path

import pytest

from gateway.domain.errors import SettingsError
from gateway.run.ports import holder_of, is_free, listen


def test_who_has_the_port_is_named_and_another_one_offered() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as refused:
            listen("127.0.0.1", port)
        assert f"127.0.0.1:{port} is taken by " in refused.value.message
        assert f"(process {os.getpid()}); stop that, or choose another port: GATEWAY_PORT=" in refused.value.message
        assert not is_free("127.0.0.1", port)
        assert is_free("127.0.0.1", int(refused.value.message.rpartition("=")[2]))


def test_an_address_that_this_machine_has_not() -> None:
    with pytest.raises(SettingsError, match=r"GATEWAY_HOST: this machine has no address 192\.0\.2\.1"):
        listen("192.0.2.1", 0)
    with pytest.raises(SettingsError, match=r"cannot listen on no-such-name\.invalid:0"):
        listen("no-such-name.invalid", 0)


def test_a_port_that_is_not_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(SettingsError, match="may not listen on port 80; choose one from 1024 on"):
        listen("127.0.0.1", 80)


def proc_with(folder: Path, *, cmdline: str, comm: str = "python3") -> Path:
    (folder / "net").mkdir(parents=True)
    (folder / "net" / "tcp").write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
        "   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n"
    )
    (folder / "12" / "fd").mkdir(parents=True)
    (folder / "12" / "fd" / "3").symlink_to("socket:[4711]")
    (folder / "12" / "comm").write_text(comm + "\n")
    (folder / "12" / "cmdline").write_text(cmdline)
    return folder


@pytest.mark.parametrize(
    ("cmdline", "who"),
    [
        ("python\0-m\0gateway\0up\0", "another openwb-gateway (process 12)"),
        ("/usr/bin/python\0/x/bin/openwb-gateway\0up\0", "another openwb-gateway (process 12)"),
        ("/usr/sbin/thing\0--serve\0", "python3 (process 12)"),
    ],
)
def test_gateways_are_known_by_how_they_were_called(tmp_path: Path, cmdline: str, who: str) -> None:
    assert holder_of(8080, proc_with(tmp_path, cmdline=cmdline)) == who


def test_only_who_listens_counts_and_only_what_proc_tells(tmp_path: Path) -> None:
    proc = proc_with(tmp_path, cmdline="x")
    assert holder_of(8081, proc) is None
    (proc / "12" / "comm").unlink()
    assert holder_of(8080, proc) == "a program (process 12)"
    (proc / "12" / "fd" / "3").unlink()
    assert holder_of(8080, proc) is None
    assert holder_of(8080, tmp_path / "none") is None
