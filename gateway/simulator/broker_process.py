"""The process of the embedded broker; run by path, so that nothing of ours needs to be importable.

Rule: it lives as long as its standard input is open. The parent holds the other end, and the kernel closes that
whatever the parent dies of; then the folder of its configuration goes too. It prints READY when the port was found
free; from then on who accepts there is ours.
"""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

READY = "the port is ours"
TAKEN_PORT_ENDS_WITHIN_S = 0.3


def serve_iotcore(config_file: str) -> int:
    """Serve in this process; does not return while the parent lives."""
    from iotcore import IotCoreBroker  # noqa: PLC0415 - an extra, missing on some platforms

    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)  # it calls every packet an error
    broker = IotCoreBroker(config_path=config_file)
    broker.check_ports()
    print(READY, flush=True)  # noqa: T201 - to the parent
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler would never get its turn in what follows

    def end() -> None:
        _remove_folder_of(config_file)
        os._exit(0)

    _when_parent_goes(end)
    broker.run_forever()
    return 1


def serve_mosquitto(config_file: str, program: str) -> int:
    """Serve in a child of this process; returns when it ends."""
    with subprocess.Popen([program, "-c", config_file], stdin=subprocess.DEVNULL) as process:  # noqa: S603 - from PATH
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())

        def end() -> None:
            _remove_folder_of(config_file)
            process.terminate()

        _when_parent_goes(end)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=TAKEN_PORT_ENDS_WITHIN_S)
        print(READY, flush=True)  # noqa: T201 - to the parent
        return process.wait()


def _remove_folder_of(config_file: str) -> None:
    """A parent that was killed cannot."""
    shutil.rmtree(Path(config_file).parent, ignore_errors=True)


def _when_parent_goes(act: Callable[[], object]) -> None:
    def watch() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would make an end in the meantime a crash
            pass
        act()

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(serve_iotcore(*sys.argv[2:]) if sys.argv[1] == "iotcore" else serve_mosquitto(*sys.argv[2:]))
