"""The charge log of a 2.x over MQTT: subscribe, ask, and wait for the answer (openwb.md 4.3).

The connection is one of its own, under a client id that is always the same: only with that one the box's broker lets
us clear the messages that the box leaves for us.
"""

import asyncio
from datetime import tzinfo

from gateway.domain.box_log import BoxLog
from gateway.domain.box_log_openwb2 import Question, is_of_month, question, read_log
from gateway.domain.errors import BrokerUnavailable
from gateway.domain.months import Month
from gateway.mqtt import Broker, Connection


class OverMqtt:
    """Asks one box. ``client``: the client id of the given broker, and the name under which the box answers."""

    def __init__(self, broker: Broker, client: str, zone: tzinfo, *, prefix: str, answer_s: float = 20) -> None:
        self._broker = broker
        self._client = client
        self._zone = zone
        self._prefix = prefix
        self._answer_s = answer_s

    async def month(self, month: Month, *, named: bool) -> BoxLog:
        """The entries of a month. Raises BrokerUnavailable when nothing comes, Unreadable for what is no log."""
        asked = question(self._prefix, self._client, month.year, month.month, named=named)
        async with self._broker.connect() as connection:
            refused = await connection.subscribe((asked.answers, asked.complaints))
            if asked.answers in refused:
                raise BrokerUnavailable(f"the box's broker refuses {asked.answers}: grant the role charge-log-access")
            await connection.publish(asked.topic, asked.payload)
            try:
                async with asyncio.timeout(self._answer_s):
                    return await self._answer(connection, asked, month)
            except TimeoutError:
                raise BrokerUnavailable(
                    f"the box did not answer {asked.topic} within {self._answer_s:g} s; with user management it needs"
                    " the role charge-log-access"
                ) from None

    async def _answer(self, connection: Connection, asked: Question, month: Month) -> BoxLog:
        async for message in connection:
            if message.topic != asked.answers:
                if message.payload:  # its words are kept by the broker until they are cleared; the deadline tells
                    await connection.publish(message.topic, b"", retain=True)
                continue
            found = read_log(message.payload, self._zone)
            if is_of_month(found, month.year, month.month, self._zone):
                return found
        raise BrokerUnavailable("the broker closed the connection")
