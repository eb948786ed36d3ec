"""By which names the gateway may be called, and from which pages (DNS rebinding; cross-site websocket hijacking).

Rules:

* With public URLs: ``Host`` is the host and port of one of them, ``Origin`` is one of them. Nothing else, also not
  from the machine itself.
* Without: ``Host`` is an IP address, ``localhost`` or the name that the gateway was told to listen on, with any port,
  because a name that somebody else owns may be made to lead here. ``Origin`` has the same host and port as ``Host``.
* Names are compared whole, without regard to case; a port left out is that of the scheme.
* Who sends no ``Origin`` is a program, which has no other page's rights to abuse.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from gateway.domain.errors import Forbidden, InvalidArgument, Misdirected

HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?")
ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>.+)")
PORTS = {"http": 80, "https": 443}
MOST_SHOWN_CHARS = 80

Address: TypeAlias = tuple[str, int | None]
"""A name in lower case and a port; None: the one that the scheme has."""


class PublicUrl(msgspec.Struct, frozen=True):
    """``http(s)://host[:port]`` in parts."""

    scheme: str
    name: str
    port: int


class Origins:
    """``public_urls`` without path; ``listening`` is the name or address of ``GATEWAY_HOST``."""

    def __init__(self, public_urls: Iterable[str] = (), listening: str = "localhost") -> None:
        self._public = frozenset(_public_url(url) for url in public_urls)
        self._names = frozenset(("localhost", listening.lower()))

    def check_host(self, hosts: list[str]) -> None:
        """Judge the ``Host`` headers of a request; raises InvalidArgument or Misdirected."""
        address = _address(hosts[0]) if len(hosts) == 1 else None
        if address is None:
            raise InvalidArgument("a request has one 'Host' header: host or host:port")
        if self._public:
            if not any(one.name == address[0] and one.port == _port(address, one.scheme) for one in self._public):
                raise Misdirected(f"this gateway is not reached as {_shown(hosts[0])}; GATEWAY_PUBLIC_URL says how")
        elif address[0] not in self._names and not _is_ip(address[0]):
            raise Misdirected(
                f"this gateway is not reached as {_shown(hosts[0])}: use its IP address, or set GATEWAY_PUBLIC_URL"
            )

    def check_origin(self, origins: list[str], hosts: list[str]) -> None:
        """Judge the ``Origin`` headers of a request whose ``hosts`` were found good; raises Forbidden."""
        if not origins:
            return
        found = ORIGIN.fullmatch(origins[0]) if len(origins) == 1 else None
        address = _address(found["host"]) if found else None
        if found is not None and address is not None:
            scheme = found["scheme"]
            url = PublicUrl(scheme, address[0], _port(address, scheme))
            if url in self._public or (not self._public and self._same(url, hosts)):
                return
        raise Forbidden(f"the page at {_shown(', '.join(origins))} has no business here")

    def _same(self, url: PublicUrl, hosts: list[str]) -> bool:
        address = _address(hosts[0])
        return address is not None and (url.name, url.port) == (address[0], _port(address, url.scheme))


def is_this_machine(hosts: list[str]) -> bool:
    """Whether the ``Host`` headers of a request call a machine by what leads to none but itself (RFC 6761 6.3)."""
    address = _address(hosts[0]) if len(hosts) == 1 else None
    if address is None:
        return False
    try:
        return ipaddress.ip_address(address[0].strip("[]")).is_loopback
    except ValueError:
        return address[0] == "localhost"


def _public_url(url: str) -> PublicUrl:
    scheme, _, host = url.partition("://")
    address = _address(host)
    if scheme not in PORTS or address is None:
        raise InvalidArgument(f"a public URL is http(s)://host[:port] without a path, not {_shown(url)}")
    return PublicUrl(scheme, address[0], _port(address, scheme))


def _address(host: str) -> Address | None:
    found = HOST.fullmatch(host)
    if found is None:
        return None
    port = found["port"]
    return found["name"].lower(), None if port is None else int(port)


def _port(address: Address, scheme: str) -> int:
    return PORTS[scheme] if address[1] is None else address[1]


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= MOST_SHOWN_CHARS else f"{text[:MOST_SHOWN_CHARS]}…")
