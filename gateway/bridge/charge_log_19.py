"""The charge log of a 1.9 over HTTP: a file for each month, without a login (openwb.md 6)."""

import asyncio
import urllib.error
import urllib.request
from datetime import tzinfo
from http import HTTPStatus
from typing import Final

from gateway.domain.box_log import BoxLog
from gateway.domain.box_log_openwb19 import read_log, url_of
from gateway.domain.errors import BrokerUnavailable, Unreadable
from gateway.domain.months import Month

MOST_BYTES: Final = 8_000_000


class OverHttp:
    """Asks one box. ``base``: the URL of its pages.

    The library waits in a thread, ``answer_s`` for each piece of the answer; what takes longer as a whole than twice
    that is left alone, and ends by itself.
    """

    def __init__(self, base: str, zone: tzinfo, *, answer_s: float = 10) -> None:
        self._base = base
        self._zone = zone
        self._answer_s = answer_s
        # neither the system's proxies nor its passwords are for the box
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    async def month(self, month: Month) -> BoxLog:
        """The entries of a month. Raises BrokerUnavailable when nothing comes, Unreadable for what is no log."""
        url = url_of(self._base, month.year, month.month)
        try:
            async with asyncio.timeout(2 * self._answer_s):
                payload = await asyncio.to_thread(self._fetch, url)
        except TimeoutError as error:
            raise BrokerUnavailable(f"{url} did not come in time") from error
        if len(payload) > MOST_BYTES:
            raise Unreadable(f"{url} has more than {MOST_BYTES} bytes", reason="range")
        return read_log(payload, self._zone)

    def _fetch(self, url: str) -> bytes:
        """Nothing for a month that has no file."""
        try:
            with self._opener.open(url, timeout=self._answer_s) as answer:
                found: bytes = answer.read(MOST_BYTES + 1)
                return found
        except urllib.error.HTTPError as error:
            with error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return b""
            raise BrokerUnavailable(f"{url} answers {error.code}") from error
        except (OSError, ValueError) as error:
            raise BrokerUnavailable(f"{url} cannot be read: {error}") from error
