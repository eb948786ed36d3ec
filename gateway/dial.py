"""A socket to a broker: the address, TCP, TLS and the certificate. Nothing of MQTT is said here."""

import asyncio
import contextlib
import hashlib
import hmac
import re
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from gateway.domain.errors import SettingsError

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
FINGERPRINT = re.compile(r"[0-9a-f]{64}")
PIECE_BYTES = 8_192  # some hundred messages, which are then worked off without a pause


class Endpoint(msgspec.Struct, frozen=True):
    """A broker's address. ``fingerprint`` is the SHA-256 of the only certificate accepted, else the CAs decide."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    fingerprint: str | None


def endpoint(url: str, username: str = "", password: str = "", fingerprint_sha256: str | None = None) -> Endpoint:
    """Read ``mqtt://[user[:password]@]host[:port]`` or ``mqtts://...``; the arguments win over the URL.

    Raises SettingsError, whose message never shows the URL, because it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its text may quote a piece of the password
        raise SettingsError("MQTT URL: host or port is wrong; percent-encode / ? and # in a password") from None
    if parts.scheme not in DEFAULT_PORTS or not host or port == 0:
        raise SettingsError("MQTT URL: allowed is mqtt://host[:port] or mqtts://host[:port]")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise SettingsError("MQTT URL: nothing may follow the port; percent-encode / ? and # in a password")
    tls = parts.scheme == "mqtts"
    name = username or unquote(parts.username or "")
    secret = password or unquote(parts.password or "")
    if secret and not name:
        raise SettingsError("MQTT URL: a password needs a user name")
    fingerprint = _fingerprint(fingerprint_sha256, tls=tls) if fingerprint_sha256 else None
    return Endpoint(host, port or DEFAULT_PORTS[parts.scheme], tls, name or None, secret or None, fingerprint)


def _fingerprint(given: str, *, tls: bool) -> str:
    digits = given.replace(":", "").replace(" ", "").lower()
    if not FINGERPRINT.fullmatch(digits):
        raise SettingsError("MQTT fingerprint: expected the 64 hexadecimal digits of a SHA-256")
    if not tls:
        raise SettingsError("MQTT fingerprint: a certificate comes only with mqtts://")
    return digits


class ReadAhead:
    """Stands for a socket whose reader asks for a byte, then one more, then the rest: it is read in large pieces.

    All but reading is the socket's.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._piece = b""
        self._at = 0

    def recv(self, most: int) -> bytes:
        """At most so many bytes; raises what the socket raises, when there is nothing."""
        if self._at == len(self._piece):
            self._piece, self._at = self._sock.recv(PIECE_BYTES), 0
        some = self._piece[self._at : self._at + most]
        self._at += len(some)
        return some

    def pending(self) -> int:
        """Bytes of which no event of the socket will tell, as an SSLSocket says it."""
        decoded = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) and self._sock.fileno() >= 0 else 0
        return len(self._piece) - self._at + decoded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class WrongCertificate(ssl.SSLError):
    """Another certificate than the pinned one."""


async def dial(address: Endpoint, deadline_s: float) -> socket.socket:
    """A connected socket, with TLS where asked for. Each address of the name gets its share of the deadline."""
    loop = asyncio.get_running_loop()
    found = await _looked_up(address)
    problem: OSError = OSError(f"{address.host} has no address")
    for family, kind, protocol, _, target in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)  # noqa: FBT003 - it has no name
            async with asyncio.timeout(deadline_s / len(found)):
                await loop.sock_connect(sock, target)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
        else:
            return await _secure(sock, address) if address.tls else sock
    raise problem


async def _looked_up(address: Endpoint) -> list[Any]:
    """What ``getaddrinfo`` answers. A number is no name: it needs neither a resolver nor a thread to wait in."""
    with contextlib.suppress(socket.gaierror):
        return socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    return await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)


async def _secure(sock: socket.socket, address: Endpoint) -> ssl.SSLSocket:
    """TLS over a connected socket, the certificate checked before a byte of MQTT is sent."""
    try:
        context = await asyncio.to_thread(_tls_context, address)
        secured = context.wrap_socket(sock, server_hostname=address.host, do_handshake_on_connect=False)
    except BaseException:
        sock.close()
        raise
    try:
        await _handshake(secured)
        if address.fingerprint is not None:
            _check_fingerprint(secured.getpeercert(binary_form=True) or b"", address.fingerprint)
    except BaseException:
        secured.close()
        raise
    return secured


def _tls_context(address: Endpoint) -> ssl.SSLContext:
    if address.fingerprint is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the fingerprint says more than names and signatures could
    context.verify_mode = ssl.CERT_NONE
    return context


async def _handshake(secured: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            await _ready(loop.add_reader, loop.remove_reader, secured.fileno())
        except ssl.SSLWantWriteError:
            await _ready(loop.add_writer, loop.remove_writer, secured.fileno())
        else:
            return


async def _ready(add: Callable[..., None], remove: Callable[[int], bool], fileno: int) -> None:
    ready = asyncio.Event()
    add(fileno, ready.set)
    try:
        await ready.wait()
    finally:
        remove(fileno)


def _check_fingerprint(certificate: bytes, fingerprint: str) -> None:
    shown = hashlib.sha256(certificate).hexdigest()
    if not hmac.compare_digest(shown, fingerprint):
        raise WrongCertificate(f"the broker shows the certificate {shown}, expected is {fingerprint}")
