"""``python -m gateway`` is ``openwb-gateway``. An older Python must be able to read this file, and to say so."""

import sys


def main() -> None:
    """The entry point of ``openwb-gateway``."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a checkout is run by whatever Python there is
        sys.exit("openwb-gateway: Python 3.11 or later is needed, this is %d.%d" % sys.version_info[:2])  # noqa: UP031 - as above
    from gateway.cli.main import main as command_line  # noqa: PLC0415 - what comes in here needs that Python

    command_line()


if __name__ == "__main__":
    main()
