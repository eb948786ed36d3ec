"""Words of real servers (Valkey 9.1, Redis 7.0), taken down as they were said."""

from pathlib import Path

import pytest

from gateway.store.last_words import told

OVERCOMMIT = "12:M 25 Nov 2026 23:24:10.976 # WARNING Memory overcommit must be enabled! Without it, a background"
BAD = (
    "12:M 25 Nov 2026 23:24:11.012 # Bad file format reading the append only file appendonly.aof.1.base.rdb: make a"
    " backup of your AOF file, then use ./valkey-check-aof --fix <filename.manifest>"
)
REDIS_BAD = "12:M 25 Nov 2026 23:24:11.012 # Unrecoverable error reading the append only file x.aof: Success"
NEWER = """12:M 25 Nov 2026 23:24:11.012 # Can't handle RDB format version 99
12:M 25 Nov 2026 23:24:11.012 # Error reading the RDB base file appendonly.aof.1.base.rdb, AOF loading aborted"""
MANIFEST = """12:M 25 Nov 2026 23:24:15.976 #
*** FATAL AOF MANIFEST FILE ERROR ***
12:M 25 Nov 2026 23:24:15.976 # Reading the manifest file, at line 1"""


@pytest.mark.parametrize(
    ("log", "says"),
    [
        (BAD, "its file appendonly.aof.1.base.rdb is damaged; move "),
        (NEWER, "its file appendonly.aof.1.base.rdb is damaged; move "),
        (REDIS_BAD, "its file x.aof is damaged; move "),
        (MANIFEST, "its file appendonly.aof.manifest is damaged; move "),
        ("12:M 1 Jan 2026 00:00:00.1 # write: No space left on device", "no space is left for /data"),
        (
            "OSError: [Errno 8] Exec format error: '/x/valkey-server'",
            "another kind of processor; install redis-server",
        ),
        (f"{OVERCOMMIT}\n12:M 1 Jan 2026 00:00:00.123 # one\ntwo\n", "one | two"),
        (OVERCOMMIT, "it said nothing"),
    ],
)
def test_they_become_one_sentence(log: str, says: str) -> None:
    sentence = told(log, Path("/data"))
    assert says in sentence
    assert "\n" not in sentence
    assert "overcommit" not in sentence


@pytest.mark.parametrize(
    ("head", "says"), [(b"VALKEY099\xfa", "newer or another server (format VALKEY099)"), (b"x", "")]
)
def test_a_file_of_a_newer_server_is_told_from_a_damaged_one(tmp_path: Path, head: bytes, says: str) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.1.base.rdb").write_bytes(head)
    sentence = told(BAD, tmp_path)
    assert says in sentence
    assert f"move {tmp_path}/appendonlydir away and start again" in sentence
