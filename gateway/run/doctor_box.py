"""The doctor's look at a box: name, TCP, TLS, log-in, and then what it says. Nothing is ever published."""

import asyncio
import hashlib
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator

from gateway.dial import Endpoint, endpoint
from gateway.domain.dialects import DIALECTS, Dialect, DialectChoice, Reader, reader_for
from gateway.domain.errors import BrokerUnavailable, SettingsError, Unreadable
from gateway.domain.link import Flood
from gateway.mqtt import Broker, Connection, Message
from gateway.run.findings import Finding, Heard, box, reason_of
from gateway.settings import SiteSettings

STEP_S = 5.0
TICK_S = 0.25
VERSION_KEY = "box/version"


async def look_at_box(site: SiteSettings, listen_s: float) -> AsyncIterator[Finding]:
    """One finding after the other, up to the first step that cannot be made."""
    try:
        where = endpoint(site.mqtt_url, site.mqtt_username, site.mqtt_password, site.mqtt_fingerprint)
    except SettingsError as error:
        yield Finding(site.id, "problem", error.message, "set GATEWAY_MQTT_URL otherwise")
        return
    for step in (_name, _tcp):
        finding = await step(site.id, where)
        yield finding
        if finding.grade == "problem":
            return
    broker = Broker(
        site.mqtt_url,
        client_id=f"gateway-doctor-{secrets.token_hex(4)}",
        username=site.mqtt_username,
        password=site.mqtt_password,
        fingerprint_sha256=site.mqtt_fingerprint,
        connect_deadline_s=STEP_S,
        call_deadline_s=STEP_S,
    )
    try:
        async with broker.connect() as connection:
            yield Finding(site.id, "ok", _logged_in(where))
            for finding in box(site.id, await _Listener(site, connection).listen(listen_s)):
                yield finding
    except BrokerUnavailable as error:
        yield await _refused(site.id, where, error)


async def _name(area: str, where: Endpoint) -> Finding:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(STEP_S):
            found = await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except OSError as error:
        advice = "name the box by its address instead, or mend the name's resolution"
        return Finding(area, "problem", f"the name {where.host} is not known here: {reason_of(error)}", advice)
    addresses = sorted({str(one[4][0]) for one in found})
    known = "" if addresses == [where.host] else f" ({', '.join(addresses)})"
    return Finding(area, "ok", f"the address is {where.host}{known}")


async def _tcp(area: str, where: Endpoint) -> Finding:
    place = f"{where.host}:{where.port}"
    try:
        async with asyncio.timeout(STEP_S):
            _, writer = await asyncio.open_connection(where.host, where.port)
    except OSError as error:
        if isinstance(error, TimeoutError):
            advice = "is the box switched on and in this network? A firewall in between answers just as little"
            return Finding(area, "problem", f"{place} does not answer within {STEP_S:.0f} s", advice)
        advice = "is that the box's address, and the port of its broker (1883, with encryption 8883)?"
        return Finding(area, "problem", f"{place} cannot be reached: {reason_of(error)}", advice)
    writer.close()
    return Finding(area, "ok", f"{place} accepts connections")


def _logged_in(where: Endpoint) -> str:
    how = (
        "encrypted, with the expected certificate"
        if where.fingerprint
        else "encrypted"
        if where.tls
        else "unencrypted"
    )
    return f"logged in{f' as {where.username}' if where.username else ' without a user'}, {how}"


async def _refused(area: str, where: Endpoint, error: BrokerUnavailable) -> Finding:
    if error.reason == "bad_credentials":
        advice = "GATEWAY_MQTT_USERNAME and GATEWAY_MQTT_PASSWORD as in the box's user management"
    elif error.reason == "certificate":
        shown = await _fingerprint(where)
        advice = "compare this fingerprint with the one that the box shows; if it is the same, set it:"
        advice = f"{advice} GATEWAY_MQTT_FINGERPRINT={shown}" if shown else "the box has another certificate now"
    elif where.tls:
        advice = "does that port speak TLS? Without it: mqtt:// and usually port 1883"
    else:
        advice = "does that port speak MQTT without TLS? With it: mqtts:// and usually port 8883"
    return Finding(area, "problem", error.message, advice)


async def _fingerprint(where: Endpoint) -> str | None:
    """Of the certificate that is shown there, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(STEP_S):
            _, writer = await asyncio.open_connection(where.host, where.port, ssl=context)
    except OSError:
        return None
    secured = writer.get_extra_info("ssl_object")
    certificate = secured.getpeercert(binary_form=True) or b""
    writer.transport.abort()
    return hashlib.sha256(certificate).hexdigest()


class _Listener:
    """Listens as the bridge does, until it knows enough or the time is up."""

    def __init__(self, site: SiteSettings, connection: Connection) -> None:
        self._prefix = site.topic_prefix
        self._connection = connection
        self._choice = DialectChoice(site.dialect, site.topic_prefix)
        self._readers: dict[Dialect, Reader] = {}
        self._version: str | None = None
        self._last_beat: dict[Dialect, float] = {}
        self._alive = False
        self._clock_ahead_s: float | None = None
        self._messages = 0

    async def listen(self, most_s: float) -> Heard:
        """Raises BrokerUnavailable when the connection ends."""
        began = time.monotonic()
        refused = await self._connection.subscribe(self._choice.subscriptions(raw=False))
        self._flood = Flood(time.monotonic())
        while not self._knows_enough() and time.monotonic() - began < most_s:
            try:
                async with asyncio.timeout(TICK_S):
                    self._take(await anext(self._connection))
            except TimeoutError:
                continue
        self._choice.flood_ended()
        reader = self._reader()
        return Heard(
            messages=self._messages,
            seconds=time.monotonic() - began,
            refused=refused,
            dialect=self._choice.dialect if self._messages else None,
            version=self._version,
            missing_rights=reader.missing_rights if reader else None,
            secondary=reader.secondary if reader else False,
            alive=self._alive,
            clock_ahead_s=self._clock_ahead_s,
            interval_s=(reader.control_interval_s if reader else None) or 10,
        )

    def _knows_enough(self) -> bool:
        return self._alive and self._flood.ended(time.monotonic())

    def _take(self, message: Message) -> None:
        self._messages += 1
        if message.retained:
            self._flood.retained_message(time.monotonic())
        self._choice.take(message.topic, message.payload, message.retained)
        for dialect in DIALECTS:
            self._read(dialect, message)

    def _read(self, dialect: Dialect, message: Message) -> None:
        if dialect not in self._readers:
            self._readers[dialect] = reader_for(dialect, self._prefix, raw=False)
        reader = self._readers[dialect]
        try:
            values = reader.read(message.topic, message.payload)
        except Unreadable:
            return
        version = values.get(VERSION_KEY)
        self._version = version if isinstance(version, str) else self._version
        beat = reader.heartbeat(message.topic, message.payload)
        if beat is None:
            return
        if not message.retained and self._last_beat.get(dialect, beat) != beat:
            self._alive = True
            self._clock_ahead_s = beat - time.time()
        self._last_beat[dialect] = beat

    def _reader(self) -> Reader | None:
        return self._readers.get(self._choice.dialect) if self._choice.dialect else None
